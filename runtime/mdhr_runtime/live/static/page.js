import { FaceCard } from "./charts.js";
import { clock, edition, toResult } from "./results.js";
import { Video } from "./video.js";

const SILENCE = 4000; // milliseconds without an event after which the connection counts as lost
const RETRY = 1000; // milliseconds between attempts to connect: a run waits twice as long at its end for its first viewer
const SHORTEST = 1; // seconds on a chart of a source that still goes on

// States of the page and of its sources. While it is connected, the page has that of the source which comes first here.
const STATES = {
  connecting: "Connecting",
  lost: "Disconnected",
  paused: "Paused",
  live: "Live",
  reconnecting: "Reconnecting",
  analysing: "Analysing",
  waiting: "Waiting",
  failed: "Failed",
  ended: "Ended",
};

const COVERS = {
  waiting: "Waiting for the first frame",
  reconnecting: "The camera is gone. Reconnecting…",
  failed: "This source cannot be read any more",
};

const DENSITIES = [[2, "roomy"], [4, "dense"], [Infinity, "crowd"]]; // of cards, for up to so many faces

const $ = (id) => document.getElementById(id);

class Source {
  constructor(index, info, hello) {
    this.info = info;
    this.hello = hello;
    this.state = "waiting";
    this.first = Infinity; // time of the oldest result on the page
    this.newest = { frame: 0, time: 0, final: false, faces: new Map() };
    this.view = this.newest; // what is shown: the result in the picture, and of the charts the times of both ends
    this.faces = new Map();
    this.element = $("source").content.firstElementChild.cloneNode(true);
    this.element.classList.add(info.live ? "camera" : "file");
    this.element.style.setProperty("--aus", hello.aus.length);
    this.present = this.element.querySelector(".present");
    this.left = this.element.querySelector(".left");
    this.cover = this.element.querySelector(".cover");
    this.nobody = this.element.querySelector(".nobody");
    this.figures = Object.fromEntries(
      [...this.element.querySelectorAll("[data-figure]")].map((cell) => [cell.dataset.figure, cell]),
    );
    this.element.setAttribute("aria-label", info.name);
    this.element.querySelector(".name").textContent = info.name;
    const canvas = this.element.querySelector("canvas");
    canvas.setAttribute("aria-label", `Video of ${info.name} with the faces marked`);
    this.video = new Video(canvas, index, redraw);
  }

  add(result) {
    const { frame, time, final, faces } = result;
    if (edition(result) > edition(this.newest)) this.newest = result;
    this.first = Math.min(this.first, time);
    this.video.want(result);
    for (const [id, face] of faces) if (face.scores) this.#card(id).add({ frame, time, final, ...face });
  }

  #card(id) {
    if (!this.faces.has(id)) {
      const card = new FaceCard($("face"), { id, source: this.info, ...this.hello });
      this.faces.set(id, card);
      this.present.append(card.element);
      card.element.card = card;
      inSight.observe(card.element);
    }
    return this.faces.get(id);
  }

  forget() {
    const oldest = this.newest.time - this.hello.span;
    if (!page.paused) this.first = Math.max(this.first, oldest);
    for (const [id, card] of this.faces) {
      if (page.paused) {
        card.cap();
      } else if (!card.trim(oldest)) {
        inSight.unobserve(card.element);
        card.element.remove();
        this.faces.delete(id);
      }
    }
  }

  // Picture, charts and numbers show one and the same result.
  paint(span) {
    const result = page.paused ? this.view : (this.video.result ?? this.newest);
    const from = Math.max(Math.min(this.first, result.time), result.time - span);
    const to = this.state === "ended" ? result.time : Math.max(result.time, from + SHORTEST);
    const live = this.state === "live" && stateOf(page.connection) === "live";
    this.view = { ...result, from, to, live };
    for (const card of this.faces.values()) {
      card.describe(this.view);
      const place = card.element.classList.contains("gone") ? this.left : this.present;
      if (card.element.parentElement !== place) place.append(card.element);
    }
    const [present, left] = [this.present, this.left].map((list) => list.querySelectorAll(".face:not([hidden])").length);
    this.present.dataset.density = DENSITIES.find(([most]) => present <= most)[1];
    this.left.parentElement.hidden = !left;
    this.left.previousElementSibling.textContent = `No longer in view: ${left} ${left === 1 ? "face" : "faces"}`;
    this.nobody.textContent = this.view.faces.size ? "No face is seen well enough" : "No face in view";
    this.figures.faces.textContent = present;
    this.figures.time.textContent = clock(this.view.time);
    for (const card of this.faces.values()) card.draw(this.view);
  }

  show({ fps, speed, latency, dropped, state }) {
    if (fps || this.info.live) quantity(this.figures.fps, fps.toFixed(1), "fps");
    if (speed) quantity(this.figures.speed, speed.toFixed(1), "×");
    if (latency === null) this.figures.latency.textContent = "–";
    else if (latency < 1) quantity(this.figures.latency, Math.round(latency * 1000), "ms");
    else quantity(this.figures.latency, latency.toFixed(1), "s");
    this.figures.dropped.textContent = dropped ?? "–";
    this.figures.dropped.classList.toggle("alarm", dropped > 0);
    this.state = state === "running" ? (this.info.live ? "live" : "analysing") : state;
    this.#tell();
  }

  end() {
    if (this.state !== "failed") this.state = "ended";
    this.#tell();
    return this.video.finish();
  }

  #tell() {
    this.cover.textContent = COVERS[this.state] ?? "";
    this.cover.hidden = !(this.state in COVERS);
    this.element.querySelector(".kind").textContent = `${this.info.live ? "Camera" : "File"} · ${STATES[this.state].toLowerCase()}`;
  }
}

const page = {
  sources: [],
  run: null,
  last: "", // id of the last event with results
  paused: false,
  connection: "connecting", // or "open", "lost", "ended"
  stream: null,
  watchdog: 0, // timers
  retry: 0,
  dirty: false,
};

// Charts that are scrolled out of sight are not drawn.
const inSight = new IntersectionObserver((changes) => {
  for (const change of changes) change.target.card.visible = change.isIntersecting;
  redraw();
});

function begin(hello) {
  page.run = hello.run;
  page.sources = hello.sources.map((info, index) => new Source(index, info, hello));
  inSight.disconnect();
  $("sources").replaceChildren(...page.sources.map((source) => source.element));
  pause(false);
}

function connect() {
  const stream = (page.stream = new EventSource(`events?after=${page.last}`));
  const on = (kind, handle) =>
    stream.addEventListener(kind, (event) => {
      if (stream !== page.stream) return;
      expectMore();
      handle(JSON.parse(event.data), event);
    });
  on("hello", (hello) => {
    if (hello.run !== page.run) begin(hello);
    else if (page.connection === "ended") return reconnect("ended"); // the server only waits for other viewers
    show("open");
  });
  on("rows", (rows, event) => {
    page.last = event.lastEventId;
    for (const [source, ...row] of rows) page.sources[source].add(toResult(row));
    for (const source of page.sources) source.forget();
    redraw();
  });
  on("stats", (stats) => {
    stats.forEach((figures, index) => page.sources[index].show(figures));
    show("open");
    redraw();
  });
  on("bye", async () => {
    show("ended");
    await Promise.all(page.sources.map((source) => source.end()));
    if (stream === page.stream) reconnect("ended"); // by hanging up, this tells the server that it has everything
  });
  stream.addEventListener("error", () => stream === page.stream && reconnect("lost"));
  expectMore();
}

// A page that nobody sees takes nothing from the box, and none of the few connections that a browser has for it.
function doze() {
  clearTimeout(page.watchdog);
  clearTimeout(page.retry);
  page.stream?.close();
  page.stream = null;
  if (document.hidden) return;
  connect();
  for (const source of page.sources) source.video.hold(page.paused);
}

function expectMore() {
  clearTimeout(page.watchdog);
  page.watchdog = setTimeout(() => reconnect("lost"), SILENCE);
}

// The browser's own way of reconnecting gives up on some errors; a page on a wall must not.
function reconnect(reason) {
  clearTimeout(page.watchdog);
  page.stream?.close();
  page.stream = null;
  // Who knows that the run is over need not be told that nobody answers any more.
  show(page.connection === "ended" ? "ended" : reason);
  paint();
  page.retry = setTimeout(connect, RETRY);
}

function show(connection) {
  if (connection !== page.connection) page.changed = new Date();
  page.connection = connection;
  const state = stateOf(connection);
  if ($("state").dataset.state !== state) {
    $("state").dataset.state = state;
    $("state").textContent = STATES[state];
  }
  document.body.classList.toggle("lost", connection === "lost");
  const since = page.changed?.toLocaleTimeString();
  const text = {
    lost: page.run
      ? `The connection to mdhr-run was lost at ${since}. Trying again…`
      : "mdhr-run does not answer. Trying again…",
    ended: `The run ended at ${since}. This page shows its last results, and goes on when a new run starts here.`,
  }[connection];
  $("pause").hidden = connection === "ended" && !page.paused;
  $("notice").hidden = !text;
  $("notice").dataset.tone = connection === "ended" ? "calm" : "alarm";
  if (text && $("notice").textContent !== text) $("notice").textContent = text;
}

function stateOf(connection) {
  if (page.paused && connection !== "lost") return "paused";
  if (connection !== "open") return connection;
  return Object.keys(STATES).find((state) => page.sources.some((source) => source.state === state)) ?? "waiting";
}

function pause(paused) {
  page.paused = paused;
  $("pause").setAttribute("aria-pressed", paused);
  for (const source of page.sources) source.video.hold(paused);
  show(page.connection);
  paint();
}

function redraw() {
  if (page.dirty || page.paused) return;
  page.dirty = true;
  requestAnimationFrame(() => {
    page.dirty = false;
    if (!page.paused) paint();
  });
}

function paint() {
  for (const source of page.sources) source.paint(Number($("span").value));
}

function quantity(cell, value, unit) {
  const small = document.createElement("small");
  small.textContent = unit;
  cell.replaceChildren(`${value} `, small);
}

$("pause").addEventListener("click", () => pause(!page.paused));
$("span").addEventListener("change", paint);
window.addEventListener("resize", paint);
document.addEventListener("visibilitychange", doze);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
connect();
