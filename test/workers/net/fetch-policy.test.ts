import { BlockList } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigurationError } from "../../../src/config/configuration-error.ts";
import { BlockedUrlError } from "../../../workers/net/errors.ts";
import { FetchPolicy, isPublicAddress } from "../../../workers/net/fetch-policy.ts";

const closed = new FetchPolicy(undefined);

function reasonOf(policy: FetchPolicy, url: string): string {
  try {
    return policy.checkUrl(url).href;
  } catch (error) {
    if (error instanceof BlockedUrlError) return error.reason;
    throw error;
  }
}

describe("an address", () => {
  /**
   * IANA's special-purpose registries and the ranges that are not global unicast, independent of the library under
   * test.
   */
  const special = { ipv4: new BlockList(), ipv6: new BlockList() };
  const RANGES = `
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12
    192.0.0.0/24 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16
    192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
    ::/3 4000::/2 8000::/1 2001::/23 2001:db8::/32 2002::/16
    2620:4f:8000::/48 3fff::/20
  `;
  for (const range of RANGES.trim().split(/\s+/)) {
    const [net, bits] = range.split("/") as [string, string];
    const family = net.includes(":") ? "ipv6" : "ipv4";
    special[family].addSubnet(net, Number(bits), family);
  }

  /** Half of them lie near the edge of a special range, where mistakes are likely. */
  const EDGES_V4 = [0, 10, 100, 127, 169, 172, 192, 198, 203, 224, 240, 255];
  const ipv4 = fc
    .tuple(
      fc.oneof(fc.constantFrom(...EDGES_V4), fc.nat(255)),
      fc.oneof(fc.constantFrom(0, 16, 18, 64, 88, 168, 254), fc.nat(255)),
      fc.oneof(fc.constantFrom(0, 2, 100, 113), fc.nat(255)),
      fc.nat(255),
    )
    .map((octets) => octets.join("."));
  const hextet = fc.nat(0xffff);
  const ipv6 = fc
    .tuple(
      fc.oneof(fc.constantFrom(0, 0x64, 0x100, 0x2001, 0x2002, 0x2620, 0x3fff, 0xfc00, 0xfe80, 0xff02), hextet),
      fc.oneof(fc.constantFrom(0, 2, 0x20, 0x4f, 0xdb8, 0xff9b), hextet),
      ...Array.from({ length: 6 }, () => fc.oneof(fc.constantFrom(0, 0x8000, 0xffff), hextet)),
    )
    .map((parts) => parts.map((part) => part.toString(16)).join(":"));

  test("is public exactly outside IANA's special ranges", () => {
    const agrees = (family: "ipv4" | "ipv6") => (address: string) =>
      isPublicAddress(address) === !special[family].check(address, family);
    fc.assert(fc.property(ipv4, agrees("ipv4")), { numRuns: 20_000 });
    fc.assert(fc.property(ipv6, agrees("ipv6")), { numRuns: 20_000 });
  });

  test.each(["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "172.32.0.1", "100.128.0.1"])("%s is public", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  test.each([
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
    "::8.8.8.8",
    "fe80::1%eth0",
    "",
    "x",
    "8.8.8.8/8",
  ])("%j is not public", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe("a URL", () => {
  test.each([
    ["http://127.0.0.1/", "host"],
    ["http://2130706433/", "host"],
    ["http://0x7f.1/", "host"],
    ["http://0177.0.0.1/", "host"],
    ["http://127.1/", "host"],
    ["http://0/", "host"],
    ["http://１２７.０.０.１/", "host"],
    ["http://127.0.0.1./", "host"],
    ["http://[::1]/", "host"],
    ["http://[::]/", "host"],
    ["http://[::ffff:127.0.0.1]/", "host"],
    ["http://[::ffff:7f00:1]/", "host"],
    ["http://[64:ff9b::7f00:1]/", "host"],
    ["http://[fd00::1]/", "host"],
    ["http://[fe80::1]/", "host"],
    ["http://169.254.169.254/latest/meta-data", "host"],
    ["http://localhost/", "host"],
    ["http://LOCALHOST./", "host"],
    ["http://a.localhost:8080/", "host"],
    ["http://10.1.2.3:8080/", "host"],
    ["http://user@example.com/", "credentials"],
    ["http://:secret@example.com/", "credentials"],
    ["file:///etc/passwd", "scheme"],
    ["ftp://example.com/", "scheme"],
    ["data:text/plain,x", "scheme"],
    ["javascript:1", "scheme"],
    ["gopher://example.com/", "scheme"],
    ["ws://example.com/", "scheme"],
    ["//example.com/", "invalid"],
    ["/etc/passwd", "invalid"],
    ["http://", "invalid"],
    ["http://[::1%25eth0]/", "invalid"],
    ["", "invalid"],
  ])("%s is rejected: %s", (url, reason) => {
    expect(reasonOf(closed, url)).toBe(reason);
  });

  test.each([
    "https://example.com/a?b#c",
    "http://8.8.8.8:8080/",
    "http://[2606:4700::1]/",
    "https://localhost.example.com/",
  ])("%s passes until its addresses are known", (url) => {
    expect(reasonOf(closed, url)).toBe(url);
  });

  test.each([
    ["a host on every port", "mcp.internal", "http://MCP.internal.:81/", true],
    ["a host on one port", "localhost:8000", "http://localhost:8000/", true],
    ["a host on one port only", "localhost:8000", "http://localhost:8001/", false],
    ["the scheme's own port", "localhost:443", "https://localhost/", true],
    ["an address", "127.0.0.1", "http://2130706433:9/", true],
    ["an IPv6 address", "::1", "http://[::1]:81/", true],
    ["an IPv6 address and port", "[::1]:80", "http://[::1]/", true],
    ["a range", "8.8.8.8, 10.0.0.0/8", "http://10.9.8.7/", true],
    ["a range and no address outside it", "10.0.0.0/8", "http://11.9.8.7.localhost/", false],
    ["an IPv6 range", "fd00::/8", "http://[fd12::1]/", true],
    ["a host and none of its subdomains", "internal", "http://localhost/", false],
  ])("is allowed by %s", (_, allowed, url, passes) => {
    const verdict = reasonOf(new FetchPolicy(allowed), url);
    expect(verdict === "host").toBe(!passes);
  });

  test.each(["http://a", "a/b", "a b", "*", "*.internal", "u@a", "10.0.0.0/99", "a:99999", "a?b"])(
    "is not allowed by the invalid host %j, which the setting rejects",
    (allowed) => {
      expect(() => new FetchPolicy(allowed)).toThrow(ConfigurationError);
    },
  );

  test("gets an error that reveals no internal address", () => {
    expect(() => closed.checkUrl("http://10.1.2.3/")).toThrow("The URL is not allowed: its host is not a public one.");
  });
});
