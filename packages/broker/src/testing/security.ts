/** The APIs of access rules and logins, and one rule. */
import * as protocol from '@odradek/protocol';

const ANY = 1;

export const wire = {
  describeAcls: { request: protocol.describeAclsRequest, response: protocol.describeAclsResponse },
  createAcls: { request: protocol.createAclsRequest, response: protocol.createAclsResponse },
  deleteAcls: { request: protocol.deleteAclsRequest, response: protocol.deleteAclsResponse },
  saslHandshake: {
    request: protocol.saslHandshakeRequest,
    response: protocol.saslHandshakeResponse,
  },
  saslAuthenticate: {
    request: protocol.saslAuthenticateRequest,
    response: protocol.saslAuthenticateResponse,
  },
  anyAcl: {
    resourceTypeFilter: ANY,
    resourceNameFilter: null,
    principalFilter: null,
    hostFilter: null,
    operation: ANY,
    permissionType: ANY,
  },
  acl: {
    resourceType: 2,
    resourceName: 'words',
    principal: 'User:x',
    host: '*',
    operation: 3,
    permissionType: 3,
  },
} as const;
