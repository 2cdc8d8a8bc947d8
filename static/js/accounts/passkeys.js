/**
 * Passkeys: the browser asks the device, the device asks the person, and what it answers goes to the server in a form
 * (`<form data-passkey="sign-in">` with a hidden field `credential`), so that the page goes on as after any other form.
 *
 * What cannot work stays hidden: browsers bind passkeys to a name, so none on a bare IP address, and to HTTPS, but for
 * localhost.
 */

/** Whether this browser, at this address, can use passkeys. */
export function works({ hostname } = location) {
  return Boolean(globalThis.isSecureContext && globalThis.PublicKeyCredential && navigator.credentials) && !isAddress(hostname);
}

/** Whether a host is an IP address, which is no name. */
export const isAddress = (host) => /^\[.*\]$/.test(host) || /^[\d.]+$/.test(host);

/** What the server says as JSON (base64url where there are bytes), as `navigator.credentials` wants it. */
export function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

/** Bytes as the server wants them. */
export function base64url(buffer) {
  const letters = [...new Uint8Array(buffer)].map((byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

const withBytes = (credentials) => credentials?.map((each) => ({ ...each, id: bytes(each.id) }));

/** The options of a sign-in, or of showing once more who one is. */
export function requestOptions({ publicKey: { challenge, allowCredentials, ...more } }) {
  const allowed = withBytes(allowCredentials);
  return { publicKey: { ...more, challenge: bytes(challenge), ...(allowed ? { allowCredentials: allowed } : {}) } };
}

/** The options of a new passkey. */
export function creationOptions({ publicKey: { challenge, user, excludeCredentials, ...more } }) {
  return {
    publicKey: {
      ...more,
      challenge: bytes(challenge),
      user: { ...user, id: bytes(user.id) },
      ...(excludeCredentials ? { excludeCredentials: withBytes(excludeCredentials) } : {}),
    },
  };
}

/** What the device answered, as JSON. */
export function asJson(credential) {
  const { id, rawId, type, response, authenticatorAttachment } = credential;
  const said = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) said[name] = base64url(response[name]);
  }
  const transports = response.getTransports?.();
  if (transports) said.transports = transports;
  const clientExtensionResults = credential.getClientExtensionResults();
  return { id, rawId: base64url(rawId), type, response: said, authenticatorAttachment, clientExtensionResults };
}

/** Send the form with what the device answered. */
export function hand(form, credential) {
  form.elements.credential.value = JSON.stringify(asJson(credential));
  form.submit();
}

/** Sign in with whichever passkey the person picks: nothing has to be typed. */
export async function signIn(form) {
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } }).catch(() => undefined);
  if (answer?.status === 429) throw new Error("That was a bit fast. Wait a minute, then try again.");
  if (!answer?.ok) throw new Error("We couldn’t start. Check your connection, then try again.");
  const { request_options: options } = await answer.json();
  hand(form, await navigator.credentials.get(requestOptions(options)));
}

/** Make a passkey and keep it: the page came with what to ask for. */
async function register(form) {
  try {
    hand(form, await navigator.credentials.create(creationOptions(JSON.parse(form.dataset.options))));
  } catch (error) {
    if (error.name === "InvalidStateError") throw new Error("This device has a passkey for your account already.");
    if (error instanceof DOMException) throw new Error("No passkey was made. Try again whenever you like.");
    throw error;
  }
}

/** Show once more who one is, or that one has the second factor: with a passkey of this account. */
async function confirm(form) {
  try {
    hand(form, await navigator.credentials.get(requestOptions(JSON.parse(form.dataset.options))));
  } catch (error) {
    throw error instanceof DOMException ? new Error("No passkey was used. Try again, or choose another way.") : error;
  }
}

const DEEDS = { "sign-in": signIn, register, confirm };

export function mount(root) {
  if (!works()) {
    for (const note of root.querySelectorAll("[data-without-passkeys]")) note.hidden = false;
    return;
  }
  for (const form of root.querySelectorAll("form[data-passkey]")) {
    const deed = DEEDS[form.dataset.passkey];
    if (!deed) continue;
    const [button, status] = [form.querySelector("button"), form.querySelector("[role=status]")];
    for (const hidden of [form, ...root.querySelectorAll(`[data-with-passkey="${form.dataset.passkey}"]`)]) hidden.hidden = false;
    button.disabled = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      status.textContent = "";
      try {
        await deed(form);
      } catch (error) {
        // Whoever closes the device's question gets no name of an exception, and may ask again.
        status.textContent = error instanceof DOMException ? "No passkey was used. Try again, or use your password." : error.message;
      } finally {
        button.disabled = false;
      }
    });
  }
}

if (globalThis.document) mount(document);
