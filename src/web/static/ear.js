// The ear of a live call: runs beside the page, on the audio thread. Takes frames of µ-law from the page, keeps a little of each
// leg against the unevenness of the way (and no more), and gives both ears what they hear: each side in its own, or both in both.
"use strict";
const RATE = 8000;
const BEGIN = RATE * 0.2; // what waits of a leg before it is heard
const MOST = RATE * 0.8; // what waits at most; more means we fell behind, and the oldest is let go

const table = Float32Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const height = ((((bits & 0x0f) << 3) + 0x84) << ((bits & 0x70) >> 4)) - 0x84;
  return (bits & 0x80 ? -height : height) / 32768;
});

class Leg {
  constructor(side) {
    this.side = side;
    this.waiting = [];
    this.length = 0;
    this.place = 0;
    this.playing = false;
  }
  take(codes) {
    this.waiting.push(codes);
    this.length += codes.length;
    if (this.length > MOST) while (this.length > BEGIN && this.waiting.length > 1) this.drop();
    if (this.length >= BEGIN) this.playing = true;
  }
  drop() {
    this.length -= this.waiting.shift().length;
    this.place = 0;
  }
  next(step) {
    if (!this.playing) return 0;
    const codes = this.waiting[0];
    if (!codes) { this.playing = false; return 0; }
    const sample = table[codes[Math.floor(this.place)]];
    this.place += step;
    if (this.place >= codes.length) {
      const over = this.place - codes.length;
      this.length -= codes.length;
      this.waiting.shift();
      this.place = this.waiting.length ? over : 0;
    }
    return sample;
  }
}

class Ear extends AudioWorkletProcessor {
  constructor() {
    super();
    this.legs = new Map();
    this.together = false;
    this.port.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) {
        const head = new DataView(data);
        const number = head.getUint8(1);
        if (!this.legs.has(number)) this.legs.set(number, new Leg(head.getUint8(0)));
        this.legs.get(number).take(new Uint8Array(data, 8));
      } else if (data === "end") this.over = true;
      else this.together = data.together;
    };
  }
  process(_, outputs) {
    const [left, right] = outputs[0];
    const step = RATE / sampleRate;
    for (let at = 0; at < left.length; at += 1) {
      const sides = [0, 0];
      for (const leg of this.legs.values()) sides[leg.side] += leg.next(step);
      const both = (sides[0] + sides[1]) / 2;
      left[at] = this.together ? both : sides[0];
      right[at] = this.together ? both : sides[1];
    }
    return !this.over;
  }
}

registerProcessor("ear", Ear);
