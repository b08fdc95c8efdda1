// The files of a build, imported when they are needed, so that a missing one can be
// explained. Where web/pack joins the sources they are put in from the start.
export const importBuild = () => import('../dist/build.js');
export const importGo = () => import('./go.js');
