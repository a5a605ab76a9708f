// Logging in and out, and a newer token in time. A token is in this tab's storage and nowhere else.

import { $, now, put, show } from "./dom.js";
import { countdown } from "./format.js";
import { t } from "./language.js";
import { problem } from "./problem.js";

/** `left` milliseconds at `at`, by the robot's clock: this one's may be wrong. */
let expiry = null;

/** `cleared()` is called when everything that is known is to be forgotten. */
export function setUpSession(client, cleared) {
  const logIn = (token) => {
    sessionStorage.setItem(TOKEN, token);
    show("login", false);
    client.connect(token);
  };
  const logOut = (why = "") => {
    sessionStorage.removeItem(TOKEN);
    client.close();
    expiry = null;
    cleared();
    $("login-error").textContent = why;
    show("login", true);
    $("token").focus();
  };

  $("login").addEventListener("submit", (event) => {
    event.preventDefault();
    const token = taken($("token"));
    if (token) logIn(token);
  });
  $("logout").addEventListener("click", () => logOut());
  $("reconnect").addEventListener("click", () => client.reconnect());
  addEventListener("hashchange", () => {
    const token = tokenFromAddress();
    if (token) logIn(token);
  });

  $("expiring").addEventListener("submit", async (event) => {
    event.preventDefault();
    const token = taken($("newer-token"));
    if (!token) return;
    put($("extend-error"), "");
    try {
      await client.authenticate(token);
      sessionStorage.setItem(TOKEN, token);
    } catch (error) {
      put($("extend-error"), problem(error));
    }
  });
  for (const type of ["connection_established", "authenticated"]) {
    client.on(type, ({ token_expires_at, timestamp }) => {
      const left = new Date(token_expires_at) - new Date(timestamp);
      expiry = Number.isFinite(left) ? { left, at: now() } : null;
    });
  }

  return {
    logOut,
    /** The token leaves the address bar before anything else happens. */
    begin() {
      const token = tokenFromAddress() ?? sessionStorage.getItem(TOKEN);
      if (token) logIn(token);
      else logOut();
    },
    refresh(connected) {
      const left = expiry ? expiry.left - (now() - expiry.at) : Infinity;
      show("expiring", connected && left < SOON);
      if (left < SOON) put($("expires-in"), countdown(left));
      $("who").title = Number.isFinite(left) ? t("session_left", { time: countdown(left) }) : "";
    },
  };
}

function tokenFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  return token;
}

function taken(input) {
  const token = input.value.trim().replace(/^Bearer\s+/i, "");
  input.value = "";
  return token;
}

const TOKEN = "oht50-token";
const SOON = 5 * 60_000; // ms
