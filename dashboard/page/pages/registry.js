// The pages, in their order. A page is a title, the scope its reader needs, controls, figures and panels; add one here.

import { llm } from "./llm.js";
import { poker } from "./poker.js";
import { repositories } from "./repositories.js";
import { room } from "./room.js";

/**
 * A page:
 *
 * - `id`, `title`, `scope`
 * - `isThere(me)`: whether the server has what it asks, by what `/v1/me` tells; always, without it
 * - `controls`: names of `controls.js`
 * - `begin(app)`: what is asked once, before the page is built
 * - `heading(app)`: elements above the controls; `figures(app)`: as `Figures` takes them; `panels(app)`: as `Panel` does
 * - `detail(view)`: another page in its place, such as one room
 */
export const PAGES = [{ ...poker, detail: (view) => (view.room ? room : null) }, llm, repositories];
