// Tokens as docs/PROTOCOL.md has them, for the secret of this run.

import { createHmac, randomBytes } from "node:crypto";

export const SECRET = randomBytes(32).toString("hex");

/** Signatures of all tokens, none of which may ever be logged. */
export const issued = [];

export function makeToken({ id, name, role = "operator", seconds = 3600 }) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + seconds;
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ user_id: id, sub: name, role, exp })}`;
  const signature = createHmac("sha256", SECRET).update(signed).digest("base64url");
  issued.push(signature);
  return `${signed}.${signature}`;
}
