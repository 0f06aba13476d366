/** The package has no types of its own. */
declare module "html-encoding-sniffer" {
  /** Returns the name of an encoding, or `defaultEncoding` if the page declares none. */
  export default function sniff(
    bytes: Uint8Array,
    options: { xml?: boolean; defaultEncoding: null; maxPrescanBytes?: number },
  ): string | null;
}
