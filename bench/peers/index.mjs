/** Imports a package that is installed here, beside the package.json of what is compared. */
export const peer = name => import(name)
