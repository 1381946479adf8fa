/** Type of an image of ours: `pulumi-nodejs:dynamic` are resources whose provider is a module of the project. */
export const IMAGE_TYPE = 'pulumi-nodejs:dynamic/millrace:Image'
