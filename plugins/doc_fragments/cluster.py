# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that say which cluster, and as whom."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - The path of a kubeconfig file, or several joined with C(:), or the content of one as a dictionary.
      - A file that does not exist on the target is taken from the controller, where it may be encrypted with
        ansible-vault.
      - Can also be specified with the environment variable E(K8S_AUTH_KUBECONFIG).
    type: raw
    aliases: [kubeconfig_path]
  context:
    description:
      - The name of a context of the kubeconfig file.
      - Can also be specified with the environment variable E(K8S_AUTH_CONTEXT).
    type: str
    aliases: [kube_context]
  host:
    description:
      - The URL of the API server.
      - Can also be specified with the environment variable E(K8S_AUTH_HOST).
    type: str
  api_key:
    description:
      - A bearer token to authenticate with.
      - Can also be specified with the environment variable E(K8S_AUTH_API_KEY).
    type: str
  username:
    description:
      - A user name for HTTP basic authentication.
      - Can also be specified with the environment variable E(K8S_AUTH_USERNAME).
    type: str
  password:
    description:
      - The password to O(username).
      - Can also be specified with the environment variable E(K8S_AUTH_PASSWORD).
    type: str
  client_cert:
    description:
      - The path of a client certificate. One that does not exist on the target is taken from the controller.
      - Can also be specified with the environment variable E(K8S_AUTH_CERT_FILE).
    type: path
    aliases: [cert_file]
  client_key:
    description:
      - The path of the key to O(client_cert). One that does not exist on the target is taken from the controller.
      - Can also be specified with the environment variable E(K8S_AUTH_KEY_FILE).
    type: path
    aliases: [key_file]
  ca_cert:
    description:
      - The path of the CA certificates to check the API server against. One that does not exist on the target is
        taken from the controller.
      - Can also be specified with the environment variable E(K8S_AUTH_SSL_CA_CERT).
    type: path
    aliases: [ssl_ca_cert]
  validate_certs:
    description:
      - Whether to check the API server's certificate.
      - Can also be specified with the environment variable E(K8S_AUTH_VERIFY_SSL).
    type: bool
    default: true
    aliases: [verify_ssl]
  proxy:
    description:
      - The URL of an HTTP proxy on the way to the API server.
      - Can also be specified with the environment variable E(K8S_AUTH_PROXY).
    type: str
  no_proxy:
    description:
      - Hosts, domains and networks, joined with commas, that are reached without the proxy.
      - Can also be specified with the environment variable E(K8S_AUTH_NO_PROXY).
    type: str
  proxy_headers:
    description:
      - Headers for the proxy. C(basic_auth) and C(user_agent), which kubernetes.core has as well, are refused, as helm
        could not send them.
    type: dict
    suboptions:
      proxy_basic_auth:
        description:
          - User name and password for the proxy, joined with a colon.
          - Can also be specified with the environment variable E(K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH).
        type: str
  impersonate_user:
    description:
      - The user to act as.
      - Can also be specified with the environment variable E(K8S_AUTH_IMPERSONATE_USER).
    type: str
  impersonate_groups:
    description:
      - The groups to act as a member of.
      - Can also be specified with the environment variable E(K8S_AUTH_IMPERSONATE_GROUPS), joined with commas.
    type: list
    elements: str
  in_cluster:
    description:
      - Use the service account of the pod in which the task runs. Without this option it is never used, so that
        a task that names no cluster fails.
    type: bool
    default: false
  expected_cluster:
    description:
      - The URL of the API server, or the UID of the namespace C(kube-system), of the cluster that is meant. If the
        cluster is another one, the task fails before it reads or writes anything.
    type: str
notes:
  - The C(K8S_AUTH_*) environment variables of the controller and of the task's C(environment) keyword count, on the
    target's side and in a task that is delegated as well.
"""
