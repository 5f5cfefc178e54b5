// An organization that requires second factors, a browser without JavaScript: who has none adds an app before anything
// else opens, and signs in with its codes and with a recovery code.
import { base, code, holds, open, picture, signOut, story, typePassword } from "./stage.mjs";

await story(async (browser) => {
  const { page } = await open(browser, { javaScriptEnabled: false });
  await page.goto(base + "/sign-in");
  await picture(page, "sign-in");
  await typePassword(page);
  holds(page.url() === base + "/account/factors", "a password alone leads to the page that adds a factor");
  await picture(page, "factors-owed");
  for (const path of ["/today", "/patients", "/account/tokens"]) {
    await page.goto(base + path);
    holds(page.url() === base + "/account/factors", `${path} does not open yet`);
  }
  const refused = await page.request.get(base + "/api/worklist");
  holds(refused.status() === 403, "nor does the API");

  await page.click("text=Add an authenticator app");
  await page.click("text=It cannot read pictures");
  const secret = await page.textContent(".secret");
  holds(/^[A-Z2-7 ]{39}$/.test(secret), "the secret is there to be typed");
  await picture(page, "factors-app");
  await page.fill("#code", "000000");
  await page.click("text=Confirm");
  holds((await page.textContent("[role=alert]")).includes("does not fit"), "a wrong code confirms nothing");
  holds((await page.textContent(".secret")) === secret, "the same secret waits for a right one");
  // The oldest code that counts is made early in its half minute, because a slow machine may be in the next one when it is
  // sent; and it is kept, because the machine surely is when it is tried again.
  const left = 30000 - (Date.now() % 30000);
  if (left < 15000) await page.waitForTimeout(left);
  const spent = code(secret, -1);
  await page.fill("#code", spent);
  await page.click("text=Confirm");
  const codes = await page.locator(".codes li").allTextContents();
  holds(codes.length === 10 && new Set(codes).size === 10, "ten recovery codes are shown");
  await picture(page, "factors-codes");
  await page.goto(base + "/account/factors");
  holds((await page.locator(".codes li").count()) === 0, "once");
  await page.goto(base + "/today");
  holds(page.url() === base + "/today", "the ward opens");

  await signOut(page);
  await typePassword(page);
  holds(page.url().startsWith(base + "/sign-in/factor"), "the password asks for a code from now on");
  await picture(page, "second-step");
  await page.goto(base + "/today");
  holds(page.url().startsWith(base + "/sign-in"), "half a sign-in opens nothing");
  await typePassword(page);
  await page.fill("#code", spent);
  await page.click("form[action='/sign-in/factor'] button");
  holds((await page.textContent("[role=alert]")).includes("used before"), "a code that was used is none");
  await page.fill("#code", code(secret, 0));
  await page.click("form[action='/sign-in/factor'] button");
  holds(new URL(page.url()).pathname === "/today", "the next one comes in");

  await page.goto(base + "/prove?next=/account/factors");
  await picture(page, "prove");
  await page.fill("#password", process.env.PASSWORD);
  await page.fill("#code", code(secret, 1));
  await page.click("form[action='/prove'] button");
  holds(page.url() === base + "/account/factors", "a fresh proof is a password and a code");

  await signOut(page);
  await typePassword(page);
  await page.fill("#code", codes[3]);
  await page.click("form[action='/sign-in/factor'] button");
  holds(new URL(page.url()).pathname === "/today", "a recovery code comes in");
  await signOut(page);
  await typePassword(page);
  await page.fill("#code", codes[3]);
  await page.click("form[action='/sign-in/factor'] button");
  holds((await page.textContent("[role=alert]")).includes("used before"), "once");
});
