// A nurse is rung in her browser: the carrier's own script, as published, registers, rings, answers, mutes and hangs up. The
// carrier's end is played here: its signalling, word for word as the script speaks it (PStream 1.6), and a second page of
// Chromium that holds the other end of the audio.
import { base, holds, open, picture, signOut, story, typePassword } from "./stage.mjs";

/** The signalling a page meets: what the page sent, and the means to send. */
async function signalling(page) {
  const met = { sent: [], socket: null, connections: 0, isAway: false };
  await page.routeWebSocket(/\/signal$/, (socket) => {
    if (met.isAway) { socket.close(); return; }
    met.socket = socket;
    met.connections += 1;
    const say = (type, payload) => socket.send(JSON.stringify({ type, payload, version: "1.6" }));
    met.say = say;
    socket.onMessage((text) => {
      if (text === "\n") return;
      const message = JSON.parse(text);
      met.sent.push(message);
      const identity = () => JSON.parse(Buffer.from(message.payload.token.split(".")[1], "base64url")).grants.identity;
      if (message.type === "listen") say("connected", { edge: "roaming", region: "us1", gateway: "here", token: { identity: identity(), ttl: 600 } });
      if (message.type === "register") say(message.payload.media.audio ? "ready" : "offline", {});
    });
  });
  met.next = async (type, callsid) => {
    for (let waited = 0; waited < 20000; waited += 50) {
      const found = met.sent.find((message) => message.type === type && (!callsid || message.payload.callsid === callsid));
      if (found) return found.payload;
      await page.waitForTimeout(50);
    }
    throw new Error(`the page never said ${type}; it said ${met.sent.map((message) => message.type)}`);
  };
  return met;
}

/** The other end of the audio. */
async function farEnd(context) {
  const peer = await context.newPage();
  await peer.route("**/far-end", (route) => route.fulfill({ contentType: "text/html", body: "<p>the other end" }));
  await peer.goto(base + "/far-end");
  return {
    offer: () => peer.evaluate(async () => {
      window.line = new RTCPeerConnection();
      const mouth = await navigator.mediaDevices.getUserMedia({ audio: true });
      mouth.getTracks().forEach((track) => window.line.addTrack(track, mouth));
      await window.line.setLocalDescription(await window.line.createOffer());
      while (window.line.iceGatheringState !== "complete") await new Promise((done) => setTimeout(done, 20));
      return window.line.localDescription.sdp;
    }),
    answer: (sdp) => peer.evaluate((sdp) => window.line.setRemoteDescription({ type: "answer", sdp }), sdp),
    hears: () => peer.evaluate(async () => {
      let bytes = 0;
      (await window.line.getStats()).forEach((one) => { if (one.type === "inbound-rtp") bytes += one.bytesReceived; });
      return bytes;
    }),
    close: () => peer.evaluate(() => window.line.close()),
  };
}

async function says(page, words) {
  await page.waitForFunction((words) => document.querySelector("[data-words]").textContent.includes(words), words).catch(async () => {
    throw new Error(`waited for "${words}"; the page says "${await page.textContent("[data-words]")}"`);
  });
  holds(true, `the page says: ${words}`);
}

const noted = (page, is) => page.waitForResponse((reply) => reply.url().endsWith("/voice/presence") && reply.status() === 204 && reply.request().postData().includes("is=" + is));

await story(async (browser) => {
  const { context, page } = await open(browser);
  await typePassword(page, process.env.ADMIN);
  await page.goto(base + "/settings/credentials");
  await page.fill("#secret-browser_voice", "SKline0001:the key of the line");
  await page.click("#browser_voice form[action='/settings/credentials'] button");
  await page.waitForSelector("#browser_voice [role=alert]");
  holds(true, "a key with a space in it is refused");
  await page.fill("#secret-browser_voice", "SKline0001:the-key-of-the-line");
  await page.click("#browser_voice form[action='/settings/credentials'] button");
  await page.waitForSelector("#browser_voice .mark.green");
  await signOut(page);

  await typePassword(page);
  const carrier = await signalling(page);
  await page.goto(base + "/line");
  await page.check("input[value=browser]");
  await page.click("#way button");
  await says(page, "not ready yet");
  await picture(page, "line-not-ready");

  await page.click("[data-act=ready]");
  await says(page, "microphone is not allowed");
  holds(carrier.connections === 0, "nothing registers without a microphone");

  await context.grantPermissions(["microphone"]);
  await Promise.all([noted(page, "ready"), page.click("[data-act=ready]")]);
  await says(page, "This page is ready");
  const listened = await carrier.next("listen");
  const claims = JSON.parse(Buffer.from(listened.token.split(".")[1], "base64url"));
  holds(!claims.grants.voice.outgoing && claims.grants.voice.incoming.allow, "its pass cannot dial");
  await picture(page, "line-ready");

  const far = await farEnd(context);
  const ring = async (callsid) => {
    carrier.say("invite", { callsid, sdp: await far.offer(), parameters: { CallSid: callsid, From: "+12125550199", To: "client:" + claims.grants.identity } });
    await says(page, "A call is waiting for you");
  };
  await ring("CA1");
  await picture(page, "line-ringing");
  await page.click("[data-act=answer]");
  await far.answer((await carrier.next("answer", "CA1")).sdp);
  await says(page, "You are on a call");
  await picture(page, "line-talking");
  const before = await far.hears();
  await page.waitForTimeout(1000);
  const after = await far.hears();
  holds(after > before, `her voice arrives (${after - before} bytes in a second)`);
  await page.click("[data-act=mute]");
  holds((await page.getAttribute("[data-act=mute]", "aria-pressed")) === "true", "she can mute herself");
  await page.click("[data-act=hang-up]");
  await carrier.next("hangup", "CA1");
  await says(page, "This page is ready");
  await far.close();

  await ring("CA2");
  await page.click("[data-act=answer]");
  await far.answer((await carrier.next("answer", "CA2")).sdp);
  await says(page, "You are on a call");
  carrier.say("hangup", { callsid: "CA2" });
  await says(page, "The call has ended");
  await far.close();

  await ring("CA3");
  carrier.say("cancel", { callsid: "CA3" });
  await says(page, "The call went to somebody else");
  await far.close();

  await ring("CA4");
  await page.click("[data-act=pass]");
  await carrier.next("reject", "CA4");
  await says(page, "You passed the call on");
  await far.close();

  carrier.isAway = true;
  const gone = noted(page, "gone");
  carrier.socket.close();
  await says(page, "lost the telephone service");
  await gone;
  holds(true, "Careline is told that this page cannot ring");
  carrier.isAway = false;
  await noted(page, "ready");
  await says(page, "This page is ready");
  holds(carrier.connections > 1, "it registers again by itself");
}, ["--use-fake-device-for-media-stream", "--allow-loopback-in-peer-connection"]);
