// Passkeys in the browser: a form asks its server for a challenge, the browser's own dialog answers it, the form carries
// the answer. Without this file, or in a browser that has no passkeys, codes of an app do the same.
"use strict";
(() => {
  const forms = [...document.querySelectorAll("form[data-passkey]")];
  if (!forms.length) return;

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  // JSON has no bytes: what the server wrote as base64url becomes bytes, and back.
  function options(from) {
    const key = from.publicKey;
    key.challenge = bytes(key.challenge);
    if (key.user) key.user.id = bytes(key.user.id);
    for (const list of [key.excludeCredentials, key.allowCredentials]) for (const named of list || []) named.id = bytes(named.id);
    return { publicKey: key };
  }
  function answer(credential) {
    const { response } = credential;
    const said = { clientDataJSON: text(response.clientDataJSON) };
    if (response.attestationObject) {
      said.attestationObject = text(response.attestationObject);
      if (response.getTransports) said.transports = response.getTransports();
    } else {
      said.authenticatorData = text(response.authenticatorData);
      said.signature = text(response.signature);
      said.userHandle = response.userHandle ? text(response.userHandle) : null;
    }
    return JSON.stringify({
      id: credential.id, rawId: text(credential.rawId), type: credential.type, response: said,
      extensions: credential.getClientExtensionResults(),
    });
  }

  const sayings = {
    NotAllowedError: "Nothing was proven: the dialog was closed, took too long, or this device does not check who you are. Try again.",
    InvalidStateError: "This device holds a passkey of yours already.",
    SecurityError: "This address cannot have passkeys. Use a code instead.",
  };

  // The organization is typed once, in the form of the password.
  function copied(form) {
    for (const field of form.querySelectorAll("[data-from]")) {
      const from = document.getElementById(field.dataset.from);
      if (!from.reportValidity()) return false;
      field.value = from.value;
    }
    return true;
  }

  async function ask(form) {
    const response = await fetch(form.dataset.ask, {
      method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/json" },
    });
    if (response.redirected) { location.assign(response.url); return null; }
    if (!response.ok) throw new Error("Careline could not ask for a passkey just now. Load the page again.");
    return response.json();
  }

  for (const form of forms) {
    const fault = form.querySelector("[data-fault]");
    const say = (words) => { fault.hidden = !words; fault.querySelector("span").textContent = words; };
    if (!window.PublicKeyCredential || !navigator.credentials) {
      for (const none of document.querySelectorAll("[data-no-passkeys]")) none.hidden = false;
      continue;
    }
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (!copied(form)) return;
      const button = form.querySelector("button");
      button.disabled = true;
      say("");
      try {
        const asked = await ask(form);
        if (!asked) return;
        const wanted = options(asked.options);
        const credential = form.dataset.passkey === "register"
          ? await navigator.credentials.create(wanted) : await navigator.credentials.get(wanted);
        form.elements.ceremony.value = asked.ceremony;
        form.elements.answer.value = answer(credential);
        form.submit();
      } catch (error) {
        say(sayings[error.name] || error.message);
        button.disabled = false;
      }
    });
  }
})();
