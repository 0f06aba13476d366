import { flag, optionalText } from "../setting.ts";

export const securitySettings = {
  API_KEYS: optionalText(
    "Keys that clients authenticate with: `project:key` pairs, separated by commas. A key has at least 16 characters if `HOST` is not loopback. Without keys there is one anonymous project.",
  ),
  API_KEYS_FILE: optionalText(
    "Path of a file with `project:key` pairs, one per line. Lines that begin with `#` are comments. Its keys are added to those of `API_KEYS`.",
  ),
  ADMIN_KEYS: optionalText(
    "Keys of administrators: `name:key` pairs, in the form of `API_KEYS`. They open `/v1/organization` and every project. With them, a request without a key is answered only if `ALLOW_ANONYMOUS` is set.",
  ),
  ADMIN_KEYS_FILE: optionalText(
    "Path of a file with `name:key` pairs, in the form of `API_KEYS_FILE`. Its keys are added to those of `ADMIN_KEYS`.",
  ),
  ALLOW_ANONYMOUS: flag(
    "Permission to serve without API keys on an address that is not loopback, or beside `ADMIN_KEYS`. Everyone who reaches `HOST` can use the server.",
    false,
  ),
  ENCRYPTION_KEYS: optionalText(
    "Keys for encrypted content: 32 bytes each in base64 or hex, separated by commas. The first key encrypts, all decrypt. If empty, the server creates a key in Redis.",
  ),
  CORS_ORIGINS: optionalText(
    "Origins of web pages that may use the API, separated by commas, or `*` for all (needs `API_KEYS` on loopback). If empty, only pages of this machine may.",
  ),
  FETCH_ALLOWED_HOSTS: optionalText(
    "Hosts, `host:port` pairs or CIDR ranges, separated by commas, that URLs in requests may lead to although they are not on the public internet.",
  ),
};
