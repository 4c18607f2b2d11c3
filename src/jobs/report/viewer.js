// Shows the mosaics' own bytes as three views through one voxel. Fetches nothing.
"use strict";
(async () => {
  const $ = (id) => document.getElementById(id);
  const section = $("viewer"), facts = JSON.parse($("facts").textContent);
  if (!("DecompressionStream" in window)) return;

  // A PNG of one byte a pixel whose rows are not filtered: its bytes are those of the map, and its palette.
  async function read(uri) {
    const bytes = Uint8Array.from(atob(uri.slice(uri.indexOf(",") + 1)), (c) => c.charCodeAt(0));
    const view = new DataView(bytes.buffer), packed = [], image = {};
    for (let at = 8; at < bytes.length; ) {
      const length = view.getUint32(at), kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
      const body = bytes.subarray(at + 8, at + 8 + length);
      if (kind === "IHDR") [image.width, image.height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
      if (kind === "PLTE") image.palette = body;
      if (kind === "IDAT") packed.push(body);
      at += length + 12;
    }
    const stream = new Blob(packed).stream().pipeThrough(new DecompressionStream("deflate"));
    image.rows = new Uint8Array(await new Response(stream).arrayBuffer());
    return image;
  }
  const images = [];
  for (const map of facts.maps) images.push(await read($(map.id).querySelector("image").getAttribute("href")));

  // Places are [to the right, to the front, up], counted in what is drawn.
  const [width, height] = facts.tile, size = [width, height, facts.slices.length];
  const edges = facts.edges_mm.map((mm) => mm * facts.step);
  const byteAt = (image, [i, j, k]) => {
    const row = Math.floor(k / facts.columns) * height + (height - 1 - j);
    return image.rows[row * (image.width + 1) + 1 + (k % facts.columns) * width + i];
  };
  // Which directions go across and up, and which one is through the view.
  const views = { axial: [0, 1, 2, "LRAP"], coronal: [0, 2, 1, "LRSI"], sagittal: [1, 2, 0, "PASI"] };
  const zoom = 290 / Math.max(...size.map((n, d) => n * edges[d]));
  let map = 1, place = size.map((n) => Math.floor(n / 2));

  function say(at) {
    const { name, unit, low, high } = facts.maps[map], byte = byteAt(images[map], at);
    const step = (high - low) / 254, digits = step < 0.01 ? 4 : step < 0.1 ? 2 : step < 1 ? 1 : 0;
    const value = (low + (byte - 1) * step).toFixed(digits);
    const text = byte === 0 ? "no number" : byte === 255 ? `${value} or more` : byte === 1 ? `${value} or less` : value;
    const stored = [0, 0, 0];
    [at[0] * facts.step, at[1] * facts.step, facts.slices[at[2]]].forEach((n, d) => {
      const axis = facts.axes[d];
      stored[axis] = facts.flipped[d] ? facts.shape[axis] - 1 - n : n;
    });
    const mm = facts.affine.slice(0, 3).map((row) => row[3] + row[0] * stored[0] + row[1] * stored[1] + row[2] * stored[2]);
    const where = facts.is_known ? `, ${mm.map((v) => v.toFixed(1)).join(", ")} mm` : "";
    $("readout").textContent = `${name} ${text}${unit === name ? "" : " " + unit}  \u00b7  voxel (${stored.join(", ")})${where}`;
  }

  function paint() {
    const image = images[map];
    for (const [id, [across, up, through, sides]] of Object.entries(views)) {
      const canvas = $(id), [w, h] = [size[across], size[up]], pixels = new ImageData(w, h);
      const at = [...place];
      for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
        at[across] = x; at[up] = h - 1 - y;
        const byte = byteAt(image, at), to = 4 * (y * w + x);
        pixels.data.set([...image.palette.subarray(3 * byte, 3 * byte + 3), 255], to);
      }
      canvas.width = Math.max(1, Math.round(w * edges[across] * zoom));
      canvas.height = Math.max(1, Math.round(h * edges[up] * zoom));
      const flat = new OffscreenCanvas(w, h), pen = canvas.getContext("2d");
      flat.getContext("2d").putImageData(pixels, 0, 0);
      pen.imageSmoothingEnabled = false;
      pen.drawImage(flat, 0, 0, canvas.width, canvas.height);
      const x = ((place[across] + 0.5) / w) * canvas.width, y = (1 - (place[up] + 0.5) / h) * canvas.height;
      pen.strokeStyle = "rgba(110, 190, 255, 0.8)";
      pen.beginPath(); pen.moveTo(x, 0); pen.lineTo(x, canvas.height); pen.moveTo(0, y); pen.lineTo(canvas.width, y); pen.stroke();
      if (facts.is_known) {
        pen.font = "12px sans-serif"; pen.fillStyle = "#f0f0f0"; pen.textBaseline = "middle";
        const [left, right, top, bottom] = sides;
        pen.textAlign = "left"; pen.fillText(left, 3, canvas.height / 2);
        pen.textAlign = "right"; pen.fillText(right, canvas.width - 3, canvas.height / 2);
        pen.textAlign = "center"; pen.fillText(top, canvas.width / 2, 9); pen.fillText(bottom, canvas.width / 2, canvas.height - 8);
      }
      canvas.setAttribute("aria-label", `${id} view, slice ${place[through] + 1} of ${size[through]}`);
    }
    $("slice").value = place[2];
    document.querySelectorAll("#viewer [name=map]").forEach((input) => { input.checked = Number(input.value) === map; });
    say(place);
  }

  for (const [id, [across, up, through]] of Object.entries(views)) {
    const canvas = $(id);
    const under = (event) => {
      const box = canvas.getBoundingClientRect(), at = [...place];
      const clamp = (share, n) => Math.min(n - 1, Math.max(0, Math.floor(share * n)));
      at[across] = clamp((event.clientX - box.left) / box.width, size[across]);
      at[up] = size[up] - 1 - clamp((event.clientY - box.top) / box.height, size[up]);
      return at;
    };
    canvas.addEventListener("pointermove", (event) => { const at = under(event); if (event.buttons) { place = at; paint(); } else say(at); });
    canvas.addEventListener("pointerdown", (event) => { place = under(event); paint(); });
    canvas.addEventListener("pointerleave", () => say(place));
    canvas.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: [across, -1], ArrowRight: [across, 1], ArrowUp: [up, 1], ArrowDown: [up, -1], PageUp: [through, 1], PageDown: [through, -1] };
      if (event.key === "m") map = (map + 1) % images.length;
      else if (moves[event.key]) {
        const [d, by] = moves[event.key];
        place[d] = Math.min(size[d] - 1, Math.max(0, place[d] + by));
      } else return;
      event.preventDefault();
      paint();
    });
  }
  $("slice").max = size[2] - 1;
  $("slice").addEventListener("input", (event) => { place[2] = Number(event.target.value); paint(); });
  section.addEventListener("change", (event) => { if (event.target.name === "map") { map = Number(event.target.value); paint(); } });
  section.hidden = false;
  paint();
})();
