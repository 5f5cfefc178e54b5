// A passkey is registered, signs in alone, finishes a sign-in, proves again; and what is no proof is refused by the server:
// an authenticator that does not verify its user, a replayed answer, a counter that fell.
import { authenticator, base, holds, open, picture, signOut, story, typePassword } from "./stage.mjs";

const inside = (page) => new URL(page.url()).pathname === "/today";

/** Lets the browser ask for less than the server did, as a hostile page could. */
async function undemanding(page, paths, run, known) {
  await page.route(paths, async (route) => {
    const response = await route.fetch();
    const asked = await response.json();
    const key = asked.options.publicKey;
    key.userVerification = "discouraged";
    delete key.extensions;
    // Without a name of its credential a key would insist on its user by itself.
    if (known) key.allowCredentials = [{ type: "public-key", id: known.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "") }];
    if (key.authenticatorSelection) key.authenticatorSelection = { userVerification: "discouraged", residentKey: "discouraged" };
    await route.fulfill({ response, json: asked });
  });
  await run();
  await page.unroute(paths);
}

/** The words of the alert that can be seen. */
async function alarm(page) {
  await page.waitForSelector("[role=alert]:visible");
  return (await page.textContent("[role=alert]:visible")).trim();
}

/** Whether the server, not the browser, says these words. */
async function refused(page, says, words) {
  const said = await alarm(page);
  holds(said.includes(says), `${words} (${said})`);
}

async function byPasskey(page) {
  await page.goto(base + "/sign-in");
  await page.fill("#organization", process.env.ORGANIZATION);
  await page.click("text=Sign in with a passkey");
}

async function named(page, name) {
  await page.goto(base + "/account/factors");
  await page.fill("#passkey-name", name);
  await page.click("text=Add a passkey");
}

await story(async (browser) => {
  const { page } = await open(browser);
  let device = await authenticator(page, false);
  await typePassword(page);
  holds(inside(page), "the control: a password is enough before there is a factor");

  await named(page, "a laptop left open");
  await alarm(page);
  holds((await device.passkeys()).length === 0, "a device that does not check its user gets no passkey");
  await undemanding(page, "**/account/factors/passkeys/ask", async () => {
    await named(page, "a laptop left open");
    await refused(page, "did not check", "nor when its browser does not insist");
  });
  holds((await page.locator(".rows li").count()) === 0, "none was registered");

  await device.remove();
  device = await authenticator(page);
  await named(page, "ward laptop");
  await page.waitForSelector(".codes li");
  holds((await page.textContent(".rows")).includes("ward laptop"), "a passkey is registered under its name");
  holds((await page.locator(".codes li").count()) === 10, "recovery codes come with the first factor");
  await picture(page, "factors-passkey");

  await signOut(page);
  const [sent] = await Promise.all([
    page.waitForRequest((request) => request.url() === base + "/sign-in/passkey"),
    byPasskey(page),
  ]);
  await page.waitForURL("**/today");
  holds(inside(page), "it signs in without a password");

  await page.goto(base + "/prove?next=/account/factors");
  await picture(page, "prove-passkey");
  await page.click("text=Use a passkey");
  await page.waitForURL("**/account/factors");
  holds(true, "it is a fresh proof");

  await signOut(page);
  const again = await page.request.post(base + "/sign-in/passkey", {
    headers: { "content-type": "application/x-www-form-urlencoded", origin: base }, data: sent.postData(), maxRedirects: 0,
  });
  holds(again.status() === 422, "the same answer sent twice signs nobody in");
  await typePassword(page);
  holds(page.url().startsWith(base + "/sign-in/factor"), "a password asks for it now");
  await picture(page, "second-step-passkey");
  await page.click("text=Use a passkey");
  await page.waitForURL("**/today");
  holds(inside(page), "password and passkey sign in");

  await signOut(page);
  const [kept] = await device.passkeys();
  const held = async (verifies, signCount) => {
    await device.remove();
    device = await authenticator(page, verifies);
    await device.keep({ ...kept, signCount });
  };
  await held(false, kept.signCount + 5);
  await byPasskey(page);
  await alarm(page);
  await undemanding(page, "**/sign-in/passkey/ask", async () => {
    await byPasskey(page);
    await refused(page, "did not check", "without its user verified it signs nobody in");
  }, kept.credentialId);

  await held(true, 0);
  await byPasskey(page);
  await refused(page, "old counter", "a counter that fell is refused");
  await held(true, kept.signCount + 10);
  await byPasskey(page);
  await page.waitForURL("**/today");
  holds(inside(page), "the control: a counter that rose");

  await page.goto(base + "/account/factors");
  await page.click("text=Remove");
  await page.waitForURL("**/account/factors?done=removed");
  await signOut(page);
  await byPasskey(page);
  await refused(page, "does not sign in", "removed, it opens nothing");
});
