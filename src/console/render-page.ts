/** The one HTML page of the console. Its script builds everything in it. */
import { createHash } from "node:crypto";

export interface ConsolePage {
  html: string;
  etag: string;
  contentSecurityPolicy: string;
}

/** All addresses are relative, so that the console works behind a proxy's path. */
export interface PageAddresses {
  /** Where the page's modules find each library. */
  imports: Readonly<Record<string, string>>;
  /** Every module, to be loaded at once instead of import by import. */
  modules: readonly string[];
  main: string;
  style: string;
  icon: string;
}

export function renderPage({ imports, modules, main, style, icon }: PageAddresses): ConsolePage {
  const importMap = JSON.stringify({ imports });
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>background-responses</title>
<link rel="icon" type="image/svg+xml" href="${icon}">
<link rel="stylesheet" href="${style}">
<script type="importmap">${importMap}</script>
${modules.map((address) => `<link rel="modulepreload" href="${address}">`).join("\n")}
<script type="module" src="${main}"></script>
</head>
<body>
<div id="console"></div>
<noscript>This page needs JavaScript. The <a href="docs">documentation</a> does not.</noscript>
</body>
</html>
`;
  return {
    html,
    etag: `"${createHash("sha256").update(html).digest("base64url")}"`,
    contentSecurityPolicy: policyFor(importMap),
  };
}

/**
 * Models, tools and web pages write what the console shows. If any of it got past the sanitizer, it could still run no
 * script, load nothing and send nothing elsewhere. Only DOMPurify may turn text into HTML (Trusted Types).
 */
function policyFor(importMap: string): string {
  const hash = createHash("sha256").update(importMap).digest("base64");
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types dompurify",
  ].join("; ");
}
