/* Passkeys on plain forms: data-passkey is "get" or "create", data-options what WebAuthn level 3
 * section 5.1 calls the JSON form of the options; the answer leaves in the field "passkey". Where the
 * browser knows no passkeys, the form stays hidden. */
"use strict";

const toBytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const withBytes = (list) => (list || []).map((entry) => ({ ...entry, id: toBytes(entry.id) }));

function readOptions(form) {
  const options = JSON.parse(form.dataset.options);
  options.challenge = toBytes(options.challenge);
  if (form.dataset.passkey === "get")
    return { ...options, allowCredentials: withBytes(options.allowCredentials) };
  return {
    ...options,
    user: { ...options.user, id: toBytes(options.user.id) },
    excludeCredentials: withBytes(options.excludeCredentials),
  };
}

function writeAnswer(credential) {
  const from = credential.response;
  const response = { clientDataJSON: toText(from.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"])
    if (from[name])
      response[name] = toText(from[name]);
  if (from.getTransports)
    response.transports = from.getTransports();
  return JSON.stringify({
    id: credential.id, rawId: toText(credential.rawId), type: credential.type, response,
  });
}

async function answer(form) {
  const request = { publicKey: readOptions(form) };
  const get = form.dataset.passkey === "get";
  const credential = get
    ? await navigator.credentials.get(request)
    : await navigator.credentials.create(request);
  form.elements.namedItem("passkey").value = writeAnswer(credential);
  form.submit();
}

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer(form).catch(() => form.querySelector("button").focus());
    });
  }
}
