// What eslint looks for in the JavaScript of the components and of their tests.

import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    files: ["pages/shared/components/**/*.js"],
    languageOptions: { globals: globals.browser },
    rules: {
      // They are joined into one script, see pages/shared/components/_component.py.
      "no-restricted-syntax": ["error", "ImportExpression", "ExportAllDeclaration", "ImportNamespaceSpecifier"],
    },
  },
  {
    files: ["tests/javascript/**/*.js"],
    languageOptions: { globals: globals.node },
  },
  {
    rules: {
      "array-callback-return": "error",
      "consistent-return": "error",
      curly: ["error", "multi-line"],
      "default-case-last": "error",
      eqeqeq: "error",
      "max-lines": ["error", 350],
      "no-implicit-coercion": "error",
      "no-shadow": ["error", { builtinGlobals: false }],
      "no-unused-expressions": "error",
      "no-use-before-define": ["error", { functions: false, classes: false, variables: true }],
      "no-useless-rename": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
      // Text of people's own is only ever set as text, never as markup.
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML"].map((property) => ({ property })),
      ],
    },
  },
];
