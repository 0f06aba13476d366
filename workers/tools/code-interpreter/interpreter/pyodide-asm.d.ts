/** Pyodide's WebAssembly loader, which Pyodide would otherwise import by path. */
declare module "pyodide/pyodide.asm.mjs" {
  const createPyodideModule: unknown;
  export default createPyodideModule;
}
