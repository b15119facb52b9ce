// Sends the authorization response on to the client. Without this script the button does.

document.querySelector('form[data-form-post]')?.requestSubmit();
