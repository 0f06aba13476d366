/** REDIS_TLS_…_FILE: the certificate authority, the certificate and the key for TLS to Redis. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { ConfigurationError } from "./configuration-error.ts";
import type { TlsFiles } from "../redis/connection-options.ts";

export const REDIS_TLS_SETTINGS = ["REDIS_TLS_CA_FILE", "REDIS_TLS_CERT_FILE", "REDIS_TLS_KEY_FILE"] as const;
type Settings = { readonly [Name in (typeof REDIS_TLS_SETTINGS)[number]]?: string | undefined };

/** Undefined if no file is set. Throws a ConfigurationError that names the setting and contains nothing of a key. */
export function readRedisTls(settings: Settings, isTls: boolean): TlsFiles | undefined {
  const ca = readPem(settings, "REDIS_TLS_CA_FILE", (text) => new X509Certificate(text));
  const cert = readPem(settings, "REDIS_TLS_CERT_FILE", (text) => new X509Certificate(text));
  const key = readPem(settings, "REDIS_TLS_KEY_FILE", createPrivateKey);
  if (ca === undefined && cert === undefined && key === undefined) return undefined;
  if (!isTls)
    throw new ConfigurationError("REDIS_TLS_…_FILE is set, but REDIS_URL does not use TLS: begin it with rediss://.");
  if ((cert === undefined) !== (key === undefined)) {
    throw new ConfigurationError("REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE must be set together.");
  }
  if (cert !== undefined && key !== undefined && !new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    throw new ConfigurationError("REDIS_TLS_KEY_FILE is not the key of the certificate in REDIS_TLS_CERT_FILE.");
  }
  return { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) };
}

function readPem(settings: Settings, name: keyof Settings, parse: (text: string) => unknown): string | undefined {
  const path = settings[name]?.trim();
  if (path === undefined || path === "") return undefined;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigurationError(`${name}: ${path} cannot be read (${String((error as NodeJS.ErrnoException).code)}).`);
  }
  try {
    parse(text);
  } catch {
    throw new ConfigurationError(
      `${name}: ${path} is not a PEM file with ${name.includes("KEY") ? "a key without a passphrase" : "a certificate"}.`,
    );
  }
  return text;
}
