// What every story in the browser stands on: Chromium, somebody who signs in, a virtual authenticator, codes of an app.
import { createHmac } from "node:crypto";
import { chromium } from "playwright-core";

export const base = process.env.BASE;
const { ORGANIZATION, EMAIL, PASSWORD, CHROMIUM, SHOTS } = process.env;
export const sizes = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } };

/** Ends the story with what did not hold. */
export function holds(condition, words) {
  if (!condition) throw new Error(words);
  console.log("holds:", words);
}

/** Runs a story with a browser, started with further switches, and closes it whatever happens. */
export async function story(tell, switches = []) {
  // Chromium's own sandbox refuses root, which is who runs tests in a container.
  const sandbox = process.getuid && process.getuid() === 0 ? ["--no-sandbox"] : [];
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: [...sandbox, "--disable-dev-shm-usage", ...switches] });
  try {
    await tell(browser);
  } finally {
    await browser.close();
  }
}

export async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: sizes.wide, ...options });
  context.setDefaultTimeout(20000);
  const page = await context.newPage();
  return { context, page };
}

export async function typePassword(page, email = EMAIL) {
  await page.goto(base + "/sign-in");
  await page.fill("#organization", ORGANIZATION);
  await page.fill("#email", email);
  await page.fill("#password", PASSWORD);
  await Promise.all([page.waitForNavigation(), page.click("form[action='/sign-in'] button")]);
}

export async function signOut(page) {
  await Promise.all([page.waitForURL("**/sign-in"), page.click("form[action='/sign-out'] button")]);
}

/** The code of a secret in base 32, `steps` of 30 seconds from now (RFC 6238). */
export function code(secret, steps) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  let bits = "";
  for (const letter of secret.replace(/\s/g, "")) bits += alphabet.indexOf(letter).toString(2).padStart(5, "0");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + steps));
  const hash = createHmac("sha1", key).update(counter).digest();
  const value = hash.readUInt32BE(hash[19] & 15) & 0x7fffffff;
  return String(value % 1000000).padStart(6, "0");
}

/** An authenticator that keeps passkeys: inside the device, verifying its user; or a key that only notices a touch. */
export async function authenticator(page, verifies = true) {
  page.cdp ??= await page.context().newCDPSession(page);
  const { cdp } = page;
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2", ctap2Version: "ctap2_1", transport: verifies ? "internal" : "usb", hasResidentKey: true,
      hasUserVerification: verifies, isUserVerified: verifies, automaticPresenceSimulation: true,
    },
  });
  return {
    passkeys: async () => (await cdp.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
    keep: (credential) => cdp.send("WebAuthn.addCredential", { authenticatorId, credential }),
    remove: () => cdp.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId }),
  };
}

/** Pictures in both sizes and both colour schemes, when somebody wants to look. */
export async function picture(page, name) {
  if (!SHOTS) return;
  const before = page.viewportSize();
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${SHOTS}/${name}-${size}-${colorScheme}.png`, fullPage: true });
    }
  }
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize(before);
}
