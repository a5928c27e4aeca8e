/** Why nothing can be said of access rules. */
export const NO_AUTHORIZER = 'no authorizer is configured on this broker';
