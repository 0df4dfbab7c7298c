// Loaded before the page is painted, so that a remembered theme does not flash.
const remembered = localStorage.getItem("theme");
if (remembered) document.documentElement.dataset.theme = remembered;
