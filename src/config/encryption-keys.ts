/** ENCRYPTION_KEYS: 32 bytes each, in hex or in base64 (standard or URL-safe). Errors name a key by its position. */
import { createSecretKey, type KeyObject } from "node:crypto";
import { ConfigurationError } from "./configuration-error.ts";

export function parseEncryptionKeys(source: string | undefined): KeyObject[] {
  return (source ?? "").split(",").flatMap((entry, i) => {
    const key = entry.trim();
    if (key === "") return [];
    const isHex = /^[0-9a-f]{64}$/i.test(key);
    if (!isHex && !/^[\w+/-]{43}=?$/.test(key)) {
      throw new ConfigurationError(`ENCRYPTION_KEYS: key ${i + 1} is not 32 bytes in base64 or hex.`);
    }
    return [createSecretKey(Buffer.from(key, isHex ? "hex" : "base64"))];
  });
}
