// Elements without markup in strings, which the page's policy does not allow.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. Attributes that are false, null or undefined are left out, `true` is an empty attribute, a function
 * listens to the event of its name. Children that are null or false are left out.
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child != null && child !== false));
  return made;
}

const ICONS = {
  arrowDown: "M8 3v10M4 9l4 4 4-4",
  arrowUp: "M8 13V3M4 7l4-4 4 4",
  check: "M3 8.5 6.5 12 13 4.5",
  close: "M4 4l8 8M12 4l-8 8",
  dots: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  enlarge: "M9.5 3H13v3.5M13 3 9 7M6.5 13H3V9.5M3 13l4-4",
  filter: "M2.5 4h11M4.5 8h7M6.5 12h3",
  moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5Z",
  signOut: "M6 3H3.5v10H6M7 8h6M10.5 5.5 13 8l-2.5 2.5",
  table: "M2.5 3.5h11v9h-11zM2.5 6.5h11M2.5 9.5h11M6.5 3.5v9",
};

/** A line drawing that says nothing to a screen reader. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  drawing.setAttribute("viewBox", "0 0 16 16");
  drawing.setAttribute("aria-hidden", "true");
  drawing.classList.add("icon");
  path.setAttribute("d", ICONS[name]);
  drawing.append(path);
  return drawing;
}

/** A button that shows an icon and says `label`. */
export function iconButton(name, label, attributes = {}) {
  return element("button", { type: "button", class: "icon-button", title: label, "aria-label": label, ...attributes }, icon(name));
}

/** Radios that look like one control; `choose` gets the value of the one that is chosen. */
export function choice(name, legend, options, chosen, choose) {
  const radios = options.map(([value, label]) =>
    element(
      "label",
      {},
      element("input", { type: "radio", name, value, checked: value === chosen, change: () => choose(value) }),
      element("span", {}, label),
    ),
  );
  return element("fieldset", { class: "choice" }, element("legend", { class: "unseen" }, legend), radios);
}

let ids = 0;

/** An id that no other element has. */
export function uniqueId(prefix) {
  ids += 1;
  return `${prefix}-${ids}`;
}
