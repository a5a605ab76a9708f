import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";

import { scenario } from "../harness/scenario.mjs";

scenario("the page asks nobody but the bridge for anything, and its policy holds", async ({ come, world }) => {
  const person = await (await come()).logIn();
  const { page } = person;
  await person.reads("#scan-facts", /\d/);
  assert.ok(person.requests.length > 3, "requests are seen");
  assert.deepEqual([...new Set(person.requests.map((url) => new URL(url).host))], [new URL(world.origin).host]);
  person.assertWellBehaved();
  // That a violation would have been noticed, and that the policy is there.
  const allowed = await page.evaluate(() => new Promise((resolve) => {
    document.addEventListener("securitypolicyviolation", () => resolve(false), { once: true });
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    if (window.ran) resolve(true);
  }));
  assert.equal(allowed, false, "a script in the page's text runs");
  assert.throws(() => person.assertWellBehaved(), /content security policy/);
  person.console.length = 0;
});

scenario("a page from elsewhere cannot open the bridge's WebSocket, with a good token either", async ({ come, world }) => {
  const server = createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end("<!DOCTYPE html><title>elsewhere</title>"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const person = await come();
    const open = () => person.page.evaluate((address) => new Promise((resolve) => {
      const socket = new WebSocket(address);
      socket.onmessage = () => resolve("heard");
      socket.onclose = ({ code }) => resolve(code);
    }), `ws://127.0.0.1:${world.bridge.port}/ws?token=${person.token}`);
    await person.page.goto(`http://127.0.0.1:${server.address().port}/`);
    assert.equal(await open(), 1006);
    // The same token from the bridge's own page.
    await person.page.goto(world.origin);
    assert.equal(await open(), "heard");
    person.requests.length = 0;
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
