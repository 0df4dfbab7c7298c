// The form that asks for the token.

import { Refused } from "./api.js";

const form = document.querySelector("#sign-in");
const input = form.elements.namedItem("token");
const problem = form.querySelector("[role=alert]");

/** Ask for a token until `begin(token)` succeeds; one that is known already is tried first. */
export function signIn(begin, known, reason) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(begin, input.value.trim());
  });
  if (known) return attempt(begin, known);
  if (reason) tell(reason);
  return show();
}

async function attempt(begin, token) {
  tell("");
  if (!token) return refuse("Enter the token.");
  form.setAttribute("aria-busy", "true");
  try {
    await begin(token);
  } catch (error) {
    refuse(explained(error));
  } finally {
    form.removeAttribute("aria-busy");
  }
}

function explained(error) {
  if (!(error instanceof Refused) || error.status !== 401) return error.message;
  return "The server does not accept this token. Check that it is complete: it is one of ANALYTICS_SECRET_TOKEN, or of TOKENS_FILE.";
}

function refuse(text) {
  show();
  tell(text);
  input.setAttribute("aria-invalid", "true");
  input.select();
}

function tell(text) {
  problem.textContent = text;
  input.removeAttribute("aria-invalid");
}

function show() {
  document.querySelector("#sign-in-page").hidden = false;
  input.focus();
}
