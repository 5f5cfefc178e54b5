// A recording beside its transcript: a time leads to where it is heard, seeking asks for parts, without script it is still there.
import { base, holds, open, picture, story, typePassword } from "./stage.mjs";

const call = "/calls/" + process.env.CALL;

await story(async (browser) => {
  const { page } = await open(browser);
  const parts = [];
  page.on("response", (reply) => {
    if (reply.url().endsWith("/recording")) parts.push([reply.status(), reply.request().headers().range]);
  });
  await typePassword(page);
  await page.goto(base + call);
  await page.waitForSelector("[data-player] audio");
  await page.waitForTimeout(300);
  holds(parts.length === 0, "nothing is fetched, so nothing is in the record as played, before somebody wants to hear it");

  const times = page.locator("#transcript .by [data-seek]");
  holds((await times.count()) === 3, `each utterance has its time: ${await times.count()}`);
  const wanted = Number(await times.nth(2).getAttribute("data-seek"));
  holds(wanted > 6.5 && wanted < 8, `the last one is heard at ${wanted} s`);
  await times.nth(2).click();
  await page.waitForFunction((wanted) => {
    const audio = document.querySelector("[data-player] audio");
    return audio.readyState >= 2 && audio.currentTime >= wanted && audio.currentTime < wanted + 3;
  }, wanted);
  const audio = () => page.evaluate(() => {
    const audio = document.querySelector("[data-player] audio");
    return { duration: audio.duration, at: audio.currentTime, error: audio.error && audio.error.code };
  });
  const heard = await audio();
  holds(Number.isFinite(heard.duration) && heard.duration > 10.5 && heard.duration < 12, `it lasts ${heard.duration} s`);
  holds(heard.error === null, "and plays without a fault");
  holds(parts.every(([status]) => status === 206 || status === 200) && parts.length > 0, `parts came: ${JSON.stringify(parts)}`);

  // Samples, not only a clock: what is decoded there is loud on the left and silent on the right.
  const loud = await page.evaluate(async ({ address, from }) => {
    const bytes = await (await fetch(address)).arrayBuffer();
    const sound = await new OfflineAudioContext(2, 8000, 8000).decodeAudioData(bytes);
    const most = (channel) => {
      const rate = sound.sampleRate;
      return Math.max(...sound.getChannelData(channel).slice(from * rate, (from + 0.5) * rate).map(Math.abs));
    };
    return { left: most(0), right: most(1), channels: sound.numberOfChannels };
  }, { address: base + call + "/recording", from: wanted });
  holds(loud.channels === 2 && loud.left > 0.1 && loud.right < 0.01, `the patient is in the left ear: ${JSON.stringify(loud)}`);

  const words = page.locator("#transcript .w");
  holds((await words.count()) === 10, `each word has its time: ${await words.count()}`);
  const now = words.nth(2);
  const said = Number(await now.getAttribute("data-seek"));
  holds(said > wanted - 7 && said > Number(await words.nth(0).getAttribute("data-seek")), `the third word is heard at ${said} s`);
  await now.click();
  await page.waitForFunction((said) => {
    const audio = document.querySelector("[data-player] audio");
    return audio.currentTime >= said && audio.currentTime < said + 3;
  }, said);
  holds(true, "a click on a word is heard from that word");
  await page.locator("details.fix summary").first().click();
  await picture(page, "correct");
  await page.locator("details.fix summary").first().click();

  const wave = await page.locator("svg.wave").boundingBox();
  await page.locator("svg.wave").click({ position: { x: wave.width * 0.25, y: wave.height / 2 } });
  await page.waitForFunction(() => {
    const audio = document.querySelector("[data-player] audio");
    return audio.currentTime < audio.duration * 0.6;
  });
  holds(true, "a click into the picture of loudness leads there");
  holds((await page.locator("svg.wave .missing").count()) >= 1, "what is missing is marked in it");
  await page.evaluate(() => document.querySelector("[data-player] audio").pause());
  await picture(page, "recording");

  const plain = await open(browser, { javaScriptEnabled: false });
  await typePassword(plain.page);
  await plain.page.goto(base + call);
  holds((await plain.page.locator("[data-player] audio[controls]").count()) === 1, "without script there is a player");
  const link = await plain.page.locator("#transcript .by [data-seek]").nth(2).getAttribute("href");
  holds(link.endsWith(`/recording#t=${await plain.page.locator("#transcript .by [data-seek]").nth(2).getAttribute("data-seek")}`), "and each time is a link into the recording");
});
