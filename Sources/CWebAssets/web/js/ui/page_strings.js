/** What those screens say that are loaded when somebody wants them: see `strings.js`. */

export const pageStrings = {
  frame: {
    pages: "Pages",
    workflows: "Workflows",
    plugins: "Plugins",
    hosts: "Hosts",
    signOut: "Sign out",
    open: "This server asks nobody",
    who: (/** @type {string} */ name, /** @type {string} */ scope) => `Token ${name}, ${scope}`,
    may: {
      viewer: "may look",
      runner: "may look and run",
      author: "may look, run and save",
      admin: "may do everything",
    },
    close: "Close",
  },
};
