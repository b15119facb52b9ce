// Passkeys on the sign-in page and on the account page: asks the browser for a credential, puts it into the form's
// hidden field and sends the form like any other. A form with `data-passkey` appears only where this script runs and
// the browser knows passkeys; its texts are in its `data-` attributes.

import { creationOptions, credentialJson, requestOptions } from './passkey-json.js';

function begin(form) {
  const ceremony = new Ceremony(form);
  form.addEventListener('submit', (event) => {
    // The field is filled once a credential is there: this is that submission.
    if (form.elements.credential.value !== '') return;
    event.preventDefault();
    ceremony.run(event.submitter);
  });
  // A page that the browser kept and shows again must not send the old credential.
  addEventListener('pageshow', () => { form.elements.credential.value = ''; });
  reveal(form);
  if (ceremony.signsIn) ceremony.offer();
}

function reveal(form) {
  for (let hidden = form; hidden; hidden = hidden.parentElement.closest('[hidden]')) hidden.hidden = false;
  for (const needs of document.querySelectorAll('[data-passkey-needs]')) needs.hidden = true;
}

class Ceremony {
  #form;
  #message;
  #options;
  #running = false;
  /** Cancels the offer among the suggestions: a browser runs one ceremony at a time. */
  #offer = new AbortController();

  constructor(form) {
    this.#form = form;
    this.#message = form.querySelector('.message');
    this.#options = JSON.parse(form.dataset.options);
  }

  get signsIn() {
    return this.#form.dataset.passkey === 'get';
  }

  /** After a press of the button. */
  async run(button) {
    if (this.#running) return;
    this.#running = true;
    button?.setAttribute('aria-disabled', 'true');
    this.#offer.abort();
    this.#say('waiting');
    try {
      this.#send(await this.#ask(), button);
    } catch (error) {
      this.#say(reason(error));
      if (this.signsIn) this.offer();
    } finally {
      button?.removeAttribute('aria-disabled');
      this.#running = false;
    }
  }

  /** Passkeys among the suggestions of the field for the user name, where the browser can: it waits and shows nothing. */
  async offer() {
    // Where only a passkey counts, there is no such field.
    if (!document.querySelector('[autocomplete~=webauthn]')) return;
    this.#offer = new AbortController();
    const { signal } = this.#offer;
    try {
      if (!(await PublicKeyCredential.isConditionalMediationAvailable?.()) || signal.aborted) return;
      const publicKey = requestOptions(this.#options);
      this.#send(await navigator.credentials.get({ publicKey, signal, mediation: 'conditional' }));
    } catch {
      // The user did not ask for this, so no error is shown; the button remains.
    }
  }

  #ask() {
    if (this.signsIn) return navigator.credentials.get({ publicKey: requestOptions(this.#options) });
    return navigator.credentials.create({ publicKey: creationOptions(this.#options) });
  }

  #send(credential, button) {
    this.#form.elements.credential.value = JSON.stringify(credentialJson(credential));
    this.#form.requestSubmit(button);
  }

  #say(what) {
    this.#message.textContent = this.#form.dataset[what] ?? this.#form.dataset.failed;
    this.#message.classList.toggle('is-failed', what !== 'waiting');
  }
}

/** The text for an error. Browsers do not distinguish cancelling, a timeout and a missing passkey. */
function reason(error) {
  if (error?.name === 'NotAllowedError' || error?.name === 'AbortError') return 'cancelled';
  return error?.name === 'InvalidStateError' ? 'known' : 'failed';
}

// Last: a class cannot be used before its declaration.
const form = document.querySelector('form[data-passkey]');
if (form && globalThis.PublicKeyCredential && navigator.credentials) begin(form);
