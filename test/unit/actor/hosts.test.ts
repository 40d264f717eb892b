// Hosts as a spec may write them: what has two readings is no host.

import { expect, test } from "vitest";
import { hostGrant } from "../../../src/actor/hosts.ts";

test.each([
  ["api.example.com", { name: "api.example.com", below: false, literal: false, ports: [80, 443] }],
  ["API.Example.com:8443", { name: "api.example.com", literal: false, ports: [8443] }],
  ["*.example.com:443", { name: "example.com", below: true, ports: [443] }],
  ["localhost", { name: "localhost", literal: false }],
  ["127.0.0.1:8080", { name: "127.0.0.1", literal: true, ports: [8080] }],
  ["[::1]:8080", { name: "::1", literal: true, ports: [8080] }],
  ["[2001:db8::1]", { name: "2001:db8::1", literal: true, ports: [80, 443] }],
])("%s is a host", (text, grant) => {
  expect(hostGrant(text)).toMatchObject(grant);
});

test.each([
  ...["", "a b", "a/b", "http://example.com", "user@example.com", "example.com.", ".example.com"],
  ...["*", "*.", "a.*.com", "*.10.0.0.1", "example.com:", "example.com:0", "example.com:65536"],
  ...["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "256.0.0.1", "example.1", "::1"],
  ...["[::1", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[fe80::1%eth0]", "a..b", "ä.example"],
  "x".repeat(300),
])("%s is none", (text) => {
  expect(hostGrant(text)).toBeNull();
});
