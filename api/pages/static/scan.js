"use strict";
// Reads QR codes: before the camera, in a picture, from a scanner or the clipboard. The decoder (zxing-cpp) is
// fetched from here when it is first needed; pictures are read on this device and sent nowhere.
const scanning = (() => {
  const LOOK_EVERY_MS = 120;
  // A camera's picture is read at this size; a photo, in which the code may be small, larger.
  const VIEW_SIDE_MAX = 1280;
  const PHOTO_SIDE_MAX = 2400;
  // A printed statement has some 250 characters of base45; no certificate's number looks like one.
  const STATEMENT = /^[0-9A-Z $%*+./:-]{100,1200}$/;

  const words = document.querySelector("[data-words]");
  const part = (name) => words.querySelector(`[data-word="${name}"]`);
  const word = (name, values = {}) =>
    part(name).textContent.replace(/\{(\w+)\}/g, (_, key) => values[key]);
  const said = document.getElementById("said");

  // Says it where it is seen and heard; nothing for null.
  const say = (sentence) => {
    said.replaceChildren();
    if (sentence === null) return;
    const notice = part("notice").firstElementChild.cloneNode(true);
    notice.querySelector("span").textContent = sentence;
    said.append(notice);
    said.scrollIntoView({ block: "nearest" });
  };

  let loading = null;
  const load = async () => {
    await new Promise((loaded, failed) => {
      const script = document.createElement("script");
      script.src = words.dataset.decoder;
      script.addEventListener("load", loaded);
      script.addEventListener("error", () => failed(new Error("the decoder")));
      document.head.append(script);
    });
    const overrides = { locateFile: () => words.dataset.machineCode };
    await ZXingWASM.prepareZXingModule({ overrides, fireImmediately: true });
  };
  const decoder = () => {
    loading ??= load().catch((error) => {
      loading = null;
      throw error;
    });
    return loading;
  };

  const pixels = (source, width, height, sideMax) => {
    const scale = Math.min(1, sideMax / Math.max(width, height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    return context.getImageData(0, 0, canvas.width, canvas.height);
  };

  // The text of the QR code in these pixels; null where there is none.
  const read = async (image) => {
    await decoder();
    const found = await ZXingWASM.readBarcodes(image, { formats: ["QRCode"], maxNumberOfSymbols: 1 });
    return found.length ? found[0].text : null;
  };

  // Of a text: the fragment with which our page behind QR codes is opened, or the host of another site, or neither.
  const meaning = (text) => {
    const given = text.trim();
    if (STATEMENT.test(given)) return { fragment: `s=${given.replaceAll("%", "%25").replaceAll(" ", "%20")}` };
    let address;
    try {
      address = new URL(given, given.startsWith("#") ? `${location.origin}/v` : undefined);
    } catch {
      return {};
    }
    if (!/^https?:$/.test(address.protocol)) return {};
    if (address.origin !== location.origin) return { host: address.host };
    const holds = /^#(?:.*&)?[tps]=/.test(address.hash);
    return address.pathname === "/v" && holds ? { fragment: address.hash.slice(1) } : {};
  };

  // Opens what a code leads to, if it is ours: null then, else the sentence that says why not.
  const follow = (text) => {
    const { fragment, host } = meaning(text);
    if (fragment === undefined) return host ? word("elsewhere", { host }) : word("nothing");
    location.assign(`/v#${fragment}`);
    return null;
  };

  const readPhoto = async (file) => {
    say(word("looking"));
    try {
      const picture = await createImageBitmap(file);
      const text = await read(pixels(picture, picture.width, picture.height, PHOTO_SIDE_MAX));
      say(text === null ? word("picture") : follow(text));
    } catch (error) {
      say(word(error.name === "InvalidStateError" ? "picture" : "failed"));
    }
  };

  // --- the camera ---
  const dialog = document.querySelector("[data-camera]");
  const view = dialog.querySelector("video");
  const tell = (sentence) => {
    dialog.querySelector("[data-camera-says]").textContent = sentence;
  };
  const letGo = (stream) => {
    for (const track of stream?.getTracks() ?? []) track.stop();
  };
  const close = () => {
    letGo(view.srcObject);
    view.srcObject = null;
  };
  // Counts the openings: what an earlier one still waits for is no longer wanted when it comes.
  let opening = 0;
  const isOver = (mine) => mine !== opening || !dialog.open;
  const look = async (mine) => {
    if (isOver(mine) || !view.srcObject) return;
    const text = view.videoWidth ? await read(pixels(view, view.videoWidth, view.videoHeight, VIEW_SIDE_MAX)) : null;
    if (isOver(mine)) return;
    if (text !== null) {
      const why = follow(text);
      if (why === null) {
        dialog.close();
        return;
      }
      tell(why);
    }
    setTimeout(() => look(mine).catch(() => tell(word("failed"))), LOOK_EVERY_MS);
  };
  const WHY = { NotAllowedError: "denied", NotFoundError: "no-camera", OverconstrainedError: "no-camera" };
  const openCamera = async () => {
    say(null);
    dialog.showModal();
    opening += 1;
    const mine = opening;
    try {
      // The decoder first: where it cannot be had, no camera is switched on.
      await decoder();
      if (isOver(mine)) return;
      const wanted = { facingMode: { ideal: "environment" }, width: { ideal: VIEW_SIDE_MAX } };
      const stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
      if (isOver(mine)) return letGo(stream);
      view.srcObject = stream;
      await view.play();
      tell(word("aim"));
      await look(mine);
    } catch (error) {
      if (isOver(mine)) return;
      close();
      tell(word(WHY[error.name] ?? "failed"));
    }
  };
  dialog.addEventListener("close", close);
  dialog.querySelector("[data-camera-closes]").addEventListener("click", () => dialog.close());
  const opens = document.querySelector("[data-camera-opens]");
  opens.addEventListener("click", openCamera);
  // Without TLS a browser has no cameras for anybody.
  opens.hidden = !navigator.mediaDevices?.getUserMedia;

  return { say, follow, readPhoto };
})();
