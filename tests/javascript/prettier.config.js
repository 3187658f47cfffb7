// How the JavaScript of the components and of their tests is formatted: as wide as the Python code.

/** @type {import("prettier").Config} */
export default { printWidth: 120 };
