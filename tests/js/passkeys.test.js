import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./page.js";

open();
const { asJson, base64url, bytes, isAddress, requestOptions, works } = await import("../../static/js/accounts/passkeys.js");

test("bytes come back as they went, whatever they are", () => {
  for (const values of [[], [0], [255, 254, 253], [...Array(256).keys()]]) {
    const text = base64url(Uint8Array.from(values).buffer);
    assert.match(text, /^[\w-]*$/);
    assert.deepEqual([...bytes(text)], values);
  }
});

test("a bare address is no name that a passkey is bound to", () => {
  for (const host of ["127.0.0.1", "[::1]", "192.0.2.7"]) assert.equal(isAddress(host), true);
  for (const host of ["localhost", "dusk.example", "127.dusk.example", "1.example"]) assert.equal(isAddress(host), false);
});

test("where the browser has no passkeys, none are offered", () => assert.equal(works({ hostname: "dusk.example" }), false));

test("what the server asks for becomes what browsers ask devices for", () => {
  const asked = requestOptions({
    publicKey: { challenge: "AQI", rpId: "dusk.example", allowCredentials: [{ type: "public-key", id: "_w" }] },
  });
  assert.deepEqual([...asked.publicKey.challenge], [1, 2]);
  assert.deepEqual([...asked.publicKey.allowCredentials[0].id], [255]);
  assert.equal(asked.publicKey.rpId, "dusk.example");
  assert.equal("allowCredentials" in requestOptions({ publicKey: { challenge: "AQI" } }).publicKey, false);
});

test("what a device answers goes to the server whole, and without what is not there", () => {
  const buffer = (...values) => Uint8Array.from(values).buffer;
  const said = asJson({
    id: "AQ",
    rawId: buffer(1),
    type: "public-key",
    response: { clientDataJSON: buffer(2), authenticatorData: buffer(3), signature: buffer(4), userHandle: null },
    getClientExtensionResults: () => ({}),
  });
  assert.deepEqual(said.response, { clientDataJSON: "Ag", authenticatorData: "Aw", signature: "BA" });
  assert.deepEqual([said.id, said.rawId, said.type], ["AQ", "AQ", "public-key"]);
});
