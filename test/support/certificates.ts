/** An authority and the certificates that it signs, created by openssl. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Certificate {
  cert: string;
  key: string;
}

/** Paths of PEM files in `folder`. The certificates are valid for this machine. */
export async function makeCertificates(
  folder: string,
): Promise<{ ca: string; server: Certificate; client: Certificate }> {
  const path = (name: string): string => join(folder, name);
  const openssl = async (...args: string[]): Promise<void> => void (await run("openssl", args, { cwd: folder }));
  const newKey = ["-newkey", "rsa:2048", "-nodes", "-days", "1"];
  await openssl("req", "-x509", ...newKey, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.crt");
  await writeFile(path("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  const sign = async (name: string): Promise<Certificate> => {
    const request = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", `/CN=${name}`];
    await openssl(...request, "-keyout", `${name}.key`, "-out", `${name}.csr`);
    const authority = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1", "-extfile", "names"];
    await openssl("x509", "-req", "-in", `${name}.csr`, ...authority, "-out", `${name}.crt`);
    return { cert: path(`${name}.crt`), key: path(`${name}.key`) };
  };
  return { ca: path("ca.crt"), server: await sign("server"), client: await sign("client") };
}
