/** Pyodide's own WebAssembly loader, which it would otherwise import by a path. */
declare module "pyodide/pyodide.asm.mjs" {
  const createPyodideModule: unknown;
  export default createPyodideModule;
}
