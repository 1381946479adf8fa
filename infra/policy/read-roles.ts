/** Viewers, readers and reviewers of one service; not `roles/viewer`, which is all services. */
const READ_ROLE = /^roles\/(?:browser|\w+\.(?:viewer|\w+Viewer|reader|securityReviewer))$/
/** Whole words: `getAccessToken` reads nothing, it makes a credential. */
const READ_PERMISSION = /\.(?:get|list|getIamPolicy|listTagBindings|listEffectiveTags|search)$/

/** Whether a predefined role is known to change nothing. */
export const isReadRole = (role: string): boolean => READ_ROLE.test(role)

/** Whether a permission (`run.services.get`) is known to change nothing. */
export const isReadPermission = (permission: string): boolean => READ_PERMISSION.test(permission)
