// What a browser keeps of a sign-in, whom it shows it to, and what another site can do with it: nothing.
import { createServer } from "node:http";
import { base, holds, open, picture, story, typePassword } from "./stage.mjs";

await story(async (browser) => {
  const { context, page } = await open(browser);
  await typePassword(page);
  holds(new URL(page.url()).pathname === "/today", "signed in");
  const cookies = await context.cookies();
  const session = cookies.find((cookie) => cookie.name === "careline");
  holds(session, "on loopback without https the cookie has its plain name");
  for (const cookie of cookies) {
    holds(cookie.httpOnly && cookie.sameSite === "Lax" && cookie.path === "/", `${cookie.name} is HttpOnly and SameSite=Lax`);
    holds(!cookie.secure && !cookie.name.startsWith("__Host-"), `${cookie.name} makes no promise http cannot keep`);
  }
  holds((await page.evaluate(() => document.cookie)) === "", "no script sees a cookie");
  await page.goto(base + "/account/factors");
  await picture(page, "factors-none");

  const evil = createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end(`<form method="post" action="${base}/sign-out"><button id="go">A prize</button></form>
      <img src="${base}/sign-out" alt=""><script>fetch("${base}/sign-out", { method: "POST", mode: "no-cors", credentials: "include" })</script>`);
  });
  await new Promise((ready) => evil.listen(0, "127.0.0.1", ready));
  const elsewhere = await context.newPage();
  await elsewhere.goto(`http://127.0.0.1:${evil.address().port}/`);
  await Promise.all([elsewhere.waitForNavigation(), elsewhere.click("#go")]);
  evil.close();
  await page.goto(base + "/today");
  holds(new URL(page.url()).pathname === "/today", "a form of another site signs nobody out");
  const framed = await elsewhere.goto(base + "/sign-in");
  const headers = framed.headers();
  holds(headers["x-frame-options"] === "DENY" || headers["content-security-policy"].includes("frame-ancestors 'none'"), "no page is framed");
  await page.click("form[action='/sign-out'] button");
  await page.waitForURL("**/sign-in");
  await page.goto(base + "/today");
  holds(page.url().startsWith(base + "/sign-in"), "the control: our own form does");
});
