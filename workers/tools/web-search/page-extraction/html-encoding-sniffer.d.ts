/** The package has no types of its own. */
declare module "html-encoding-sniffer" {
  /** The name of an encoding; `defaultEncoding` if nothing says one. */
  export default function sniff(
    bytes: Uint8Array,
    options: { xml?: boolean; defaultEncoding: null; maxPrescanBytes?: number },
  ): string | null;
}
