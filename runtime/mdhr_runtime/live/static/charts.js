// One card per face: a table of AUs with their scores, and one canvas across all of its rows with their course.

const GAP = 1; // seconds without the face that break a line
const MOST_POINTS = 20000; // while paused nothing is forgotten, up to here
const STALE = 1; // seconds after which a face counts as gone

export class FaceCard {
  constructor(template, { id, source, aus, occursFrom, colour }) {
    this.element = template.content.firstElementChild.cloneNode(true);
    this.id = id;
    this.occursFrom = occursFrom;
    this.points = []; // {frame, time, final, scores}, by frame
    this.visible = true;
    this.element.style.setProperty("--colour", colour);
    this.element.style.setProperty("--aus", aus.length);
    this.element.setAttribute("aria-label", `Face ${id} of ${source}`);
    this.element.querySelector("h3").textContent = `Face ${id}`;
    this.presence = this.element.querySelector(".presence");
    this.past = this.element.querySelector(".past");
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.rows = aus.map((au, index) => this.#row(au, index, aus.length));
    this.element.querySelector("tbody").append(...this.rows.map((row) => row.element));
    this.name = `face ${id}`;
  }

  #row(au, index, count) {
    const element = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    const meaning = document.createElement("small");
    meaning.textContent = meaning.title = au.meaning;
    head.append(au.name, meaning);
    element.append(head);
    if (index === 0) {
      const cell = document.createElement("td");
      cell.rowSpan = count;
      cell.append(this.canvas);
      element.append(cell);
    }
    const score = document.createElement("td");
    score.className = "score";
    const value = document.createElement("span");
    score.append(value);
    element.append(score);
    return { element, value };
  }

  // A final result takes the place of the provisional one of the same frame.
  add(point) {
    let index = this.points.length;
    while (index > 0 && this.points[index - 1].frame > point.frame) index -= 1;
    const known = this.points[index - 1]?.frame === point.frame;
    if (known && this.points[index - 1].final) return;
    this.points.splice(known ? index - 1 : index, known ? 1 : 0, point);
  }

  // Forget what is older than a time. False if nothing is left.
  trim(oldest) {
    const first = this.points.findIndex((point) => point.time >= oldest);
    this.points.splice(0, first < 0 ? this.points.length : first);
    return this.points.length > 0;
  }

  cap() {
    if (this.points.length > MOST_POINTS) this.points.splice(0, this.points.length - MOST_POINTS);
  }

  #last(now) {
    return this.points.findLast((point) => point.time <= now);
  }

  here(now) {
    return now - (this.#last(now)?.time ?? -Infinity) < STALE;
  }

  describe(now, span) {
    const last = this.#last(now);
    if (!last) return;
    this.element.hidden = last.time < now - span;
    const here = this.here(now);
    const active = last.scores.filter((score) => score >= this.occursFrom).length;
    this.element.classList.toggle("gone", !here);
    this.presence.textContent = here ? `${active} active` : `gone for ${Math.round(now - last.time)} s`;
    this.past.textContent = `${span} s ago`;
    this.canvas.setAttribute("aria-label", `Scores of ${this.name} over the last ${span} seconds, one line per action unit`);
    this.rows.forEach((row, index) => {
      // Cut, not rounded: 0.499 must not be shown as 0.50 and not be active.
      row.value.textContent = (Math.floor(last.scores[index] * 100 + 1e-6) / 100).toFixed(2);
      row.element.classList.toggle("occurs", here && last.scores[index] >= this.occursFrom);
    });
  }

  draw(now, span) {
    if (!this.visible) return;
    const scale = window.devicePixelRatio || 1;
    const width = this.canvas.clientWidth;
    const height = this.canvas.clientHeight;
    if (!width || !height) return;
    if (this.canvas.width !== Math.round(width * scale) || this.canvas.height !== Math.round(height * scale)) {
      this.canvas.width = Math.round(width * scale);
      this.canvas.height = Math.round(height * scale);
    }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    const style = getComputedStyle(this.canvas);
    const look = {
      line: style.color,
      area: style.getPropertyValue("--colour"),
      grid: style.getPropertyValue("--grid"),
      limit: style.getPropertyValue("--line"),
    };
    const x = (time) => width * (1 - (now - time) / span);
    drawTime(pen, look, x, now, span, height);
    const shown = this.points.filter((point) => point.time >= now - span - GAP && point.time <= now);
    const rowHeight = height / this.rows.length;
    this.rows.forEach((_, index) => {
      const top = index * rowHeight + 3;
      const bottom = (index + 1) * rowHeight - 3;
      drawLimits(pen, look, width, top, bottom, this.occursFrom);
      for (const run of runs(shown)) drawRun(pen, look, columns(run, index, x), top, bottom, this.occursFrom);
    });
  }
}

function drawTime(pen, look, x, now, span, height) {
  const step = span / (span > 10 ? 6 : 5);
  pen.strokeStyle = look.grid;
  pen.lineWidth = 1;
  pen.beginPath();
  for (let time = Math.ceil((now - span) / step) * step; time <= now; time += step) {
    const at = Math.round(x(time)) + 0.5;
    pen.moveTo(at, 0);
    pen.lineTo(at, height);
  }
  pen.stroke();
}

function drawLimits(pen, look, width, top, bottom, limit) {
  const middle = Math.round(bottom - (bottom - top) * limit) + 0.5;
  pen.strokeStyle = look.limit;
  pen.beginPath();
  pen.moveTo(0, Math.round(bottom) + 0.5);
  pen.lineTo(width, Math.round(bottom) + 0.5);
  pen.stroke();
  pen.setLineDash([2, 3]);
  pen.beginPath();
  pen.moveTo(0, middle);
  pen.lineTo(width, middle);
  pen.stroke();
  pen.setLineDash([]);
}

// Stretches without a gap, final and provisional ones apart; the latter start at the last final point.
function runs(points) {
  const result = [];
  for (const point of points) {
    const current = result.at(-1);
    const previous = current?.points.at(-1);
    const gap = !previous || point.time - previous.time > GAP;
    if (gap || current.final !== point.final) {
      result.push({ final: point.final, points: gap ? [point] : [previous, point] });
    } else {
      current.points.push(point);
    }
  }
  return result;
}

// At most one point per pixel, the highest: a peak stays visible however long the span.
function columns(run, index, x) {
  const result = [];
  for (const point of run.points) {
    const at = Math.round(x(point.time));
    const last = result.at(-1);
    if (last && last.x === at) last.score = Math.max(last.score, point.scores[index]);
    else result.push({ x: at, score: point.scores[index] });
  }
  return { final: run.final, points: result };
}

function drawRun(pen, look, run, top, bottom, limit) {
  const y = (score) => bottom - (bottom - top) * score;
  const area = (points) => {
    pen.beginPath();
    pen.moveTo(points[0].x, bottom);
    for (const point of points) pen.lineTo(point.x, y(point.score));
    pen.lineTo(points.at(-1).x, bottom);
    pen.fill();
  };
  pen.fillStyle = look.area;
  pen.strokeStyle = look.line;
  pen.globalAlpha = 0.2;
  area(run.points);
  if (run.final) {
    pen.globalAlpha = 0.5;
    occurrences(run.points, limit).forEach(area);
  }
  pen.globalAlpha = run.final ? 1 : 0.55;
  pen.lineWidth = 1.4;
  pen.lineJoin = "round";
  pen.beginPath();
  for (const point of run.points) pen.lineTo(point.x, y(point.score));
  pen.stroke();
  pen.globalAlpha = 1;
}

// Stretches at or above the limit, cut where the line crosses it.
function occurrences(points, limit) {
  const result = [];
  let current = null;
  points.forEach((point, index) => {
    const previous = points[index - 1];
    const inside = point.score >= limit;
    if (previous && inside !== previous.score >= limit) {
      const share = (limit - previous.score) / (point.score - previous.score);
      const crossing = { x: previous.x + (point.x - previous.x) * share, score: limit };
      if (inside) result.push((current = [crossing]));
      else current.push(crossing);
    } else if (inside && !current) {
      result.push((current = []));
    }
    if (inside) current.push(point);
    else current = null;
  });
  return result;
}
