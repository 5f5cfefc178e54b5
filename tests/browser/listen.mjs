// A live call in the browser: captions while somebody speaks, a meter for each side, and a coordinator who listens and hears.
import { base, holds, open, picture, story, typePassword } from "./stage.mjs";

const call = "/calls/" + process.env.CALL;

await story(async (browser) => {
  const nurse = await open(browser);
  await typePassword(nurse.page);
  await nurse.page.goto(base + call);
  await nurse.page.waitForFunction(() => document.querySelector("#live-state").textContent === "Live");
  await nurse.page.waitForSelector("#transcript li.interim.patient");
  holds(true, "words appear while they are spoken");
  await nurse.page.waitForSelector("#transcript li.said.patient");
  holds((await nurse.page.locator("#transcript li.said").count()) >= 1, "and stay when they are said");

  const level = (page, side) => page.evaluate((side) => Number(document.querySelector(`[data-level=${side}]`).value), side);
  await nurse.page.waitForSelector("#meters:not([hidden])");
  await nurse.page.waitForFunction(() => document.querySelector("[data-level=theirs]").value > -40);
  holds((await level(nurse.page, "theirs")) <= 0, "the meter of who speaks moves");
  await nurse.page.waitForFunction(() => document.querySelector("[data-says=ours]").textContent === "silent");
  holds((await level(nurse.page, "ours")) === -60, "the other one is still, and says so in a word");
  await picture(nurse.page, "live");

  const { page } = await open(browser);
  await typePassword(page, process.env.COORDINATOR);
  await page.goto(base + call);
  const heard = () => page.evaluate(() => Number(document.querySelector("#listen-level").value));
  holds((await heard()) === -60, "nothing is heard before somebody asks");
  await page.click("#listen [data-begin] button");
  await page.waitForFunction(() => document.querySelector("[data-standing]").textContent.startsWith("You hear the call"));
  await page.waitForFunction(() => document.querySelector("#listen-level").value > -40);
  holds(true, `what leaves for the loudspeaker is loud: ${await heard()} dBFS`);
  await page.waitForFunction(() => [...document.querySelectorAll("#floor .mark")].some((mark) => mark.textContent.includes("listens in a browser")));
  holds(true, "and the page says who listens");
  await nurse.page.waitForFunction(() => document.querySelector("#floor").textContent.includes("listens in a browser"));
  holds(true, "the nurse's page too");
  await page.evaluate(() => document.querySelector("#listen").scrollIntoView());
  await picture(page, "listen");
  await page.selectOption("#listen-ears", "together");
  await page.locator("#listen-volume").fill("0");
  await page.waitForFunction(() => document.querySelector("#listen-level").value <= -59);
  holds(true, "turned down it is silent: the meter measures what is heard");
  await page.click("#listen [data-stop]");
  await page.waitForFunction(() => document.querySelector("[data-standing]").textContent === "You stopped listening.");
  holds(await page.locator("#listen [data-begin] button").isEnabled(), "stopped, it can begin again");
  await nurse.page.waitForFunction(() => !document.querySelector("#floor").textContent.includes("listens in a browser"));
  holds(true, "and the nurse sees that it ended");

  const plain = await open(browser, { javaScriptEnabled: false });
  await typePassword(plain.page);
  await plain.page.goto(base + call);
  holds((await plain.page.locator("#transcript li.patient").count()) >= 1, "without script the words are read");
  holds(await plain.page.locator("#listen noscript, #listen .notice").first().isVisible(), "and it is said that no sound can be played");
}, ["--autoplay-policy=user-gesture-required"]);
