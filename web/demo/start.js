import { load } from '../loader.js';

// Loads the module while the page's own scripts and tokens are fetched. A failure is
// reported where the module is used.
load().catch(() => {});
