// Packets by the size of their frames.

import { Bars } from "./bars.js";
import { card } from "./card.js";
import { table } from "./dom.js";
import { count, percent } from "./format.js";

const NAMES = ["up to 64 B", "65–128 B", "129–256 B", "257–512 B", "513–1024 B", "1025–1518 B", "above 1518 B"];

export class Sizes {
  constructor(parent) {
    this.card = card(parent, "sizes", "Sizes of packets", "Frames as received, with Ethernet headers.");
    this.bars = new Bars(this.card.body, "Packets by size");
  }

  show({ traffic: { sizes } }) {
    const all = Math.max(1, sizes.reduce((sum, size) => sum + size, 0));
    this.bars.show(sizes.map((size, index) => [NAMES[index], size, `${count(size)} packets, ${percent(size / all)}`]));
    this.card.tabulate(() => table("Sizes of packets", [["Size", false], ["Packets", true], ["Share", true]],
      sizes.map((size, index) => [NAMES[index], count(size), percent(size / all)])));
  }
}
