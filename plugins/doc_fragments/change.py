# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that say how a plan is made and carried out."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  bundle:
    description:
      - An archive or a folder that M(helmstack.core.helmstack_bundle) made. All charts come from it, and from
        nowhere else.
      - It is searched as stack files are, on the controller unless O(remote_src=true).
    type: path
  prune_max:
    description:
      - If O(prune) would uninstall more releases than this, the task fails before it changes anything.
    type: int
    default: 5
  take_over:
    description:
      - Whether releases that another stack, or another environment of this stack, has deployed may be changed and
        become this one's. Their labels name their owner.
      - Otherwise the task fails before it changes anything, and names the other one.
    type: bool
    default: false
  delete_namespace:
    description:
      - With O(state=absent), also delete the namespaces that helm has made for the releases (O(create_namespace)), if
        they are empty without the releases. The plan lists them, or says what remains in them.
      - A claim of a StatefulSet and an object that helm keeps remain.
    type: bool
    default: false
  diff_lines:
    description:
      - How many lines of a task's diff are shown. In a longer one the longest entries are cut, and say how many lines
        follow.
        Equal changes, such as the chart's name and version in labels, are shown once.
      - V(0) shows all.
    type: int
    default: 1000
  expected_plan:
    description:
      - Apply the plan only if it is this one, else fail before anything is changed. Check mode returns a plan, too.
      - Either a digest, RV(plan.digest), or a whole plan, RV(plan). With the plan the message says what differs, with
        the digest alone what the plan is now.
    type: raw
  on_failure:
    description:
      - What happens to the other releases when one fails.
      - V(stop) starts no other release.
      - V(continue) skips only the releases that need the failed one, and fails at the end.
      - V(rollback) starts no other release and takes back everything that this run changed, last first;
        new releases are uninstalled, and uninstalled ones come back from their history. The task fails, and its message
        says what could not be taken back. Namespaces and custom resource definitions that were made stay; a warning
        names them.
    type: str
    choices: [stop, continue, rollback]
    default: stop
  recover:
    description:
      - How a release is recovered that an earlier run left unfinished, that is, whose status is C(pending-install),
        C(pending-upgrade), C(pending-rollback) or C(uninstalling).
      - V(rollback) brings the release back to its last good revision, or uninstalls it if it has none, before it is
        installed or upgraded as usual. It does so at once if the C(Lease) of O(lock) proves that the run that left it
        is dead. Otherwise the release must be unfinished for O(pending_age), as another run or a person may be at work,
        and the task fails until then.
      - V(fail) leaves it alone, and the task fails before it changes anything.
    type: str
    choices: [fail, rollback]
    default: rollback
  pending_age:
    description:
      - How long a release must be unfinished before O(recover) counts it as abandoned if nothing proves that
        it is, as a Go duration like V(10m) or a number of seconds.
    type: str
    default: 10m
  run_tests:
    description:
      - When test hooks run, of the releases with C(test) in the stack or O(test).
      - V(changed) is when the release changed, V(always) is also when it did not, V(never) is
        not at all. Check mode lists in C(plan.releases[].tests) which would run.
    type: str
    choices: [changed, always, never]
    default: changed
  drift:
    description:
      - Whether live objects are compared with the deployed manifests.
      - A server-side dry run shows what applying each object again would change. This needs the
        right to patch these objects in check mode too, although nothing is changed. Without it only deleted objects are
        found, and a warning names the others; a run with V(correct) fails then.
      - Fields that autoscalers and others that apply server-side own do not count, nor does what O(diff_ignore)
        names. Changes with C(kubectl) count.
      - V(ignore) does not compare, so that an object that was changed or deleted by hand is not noticed, unless its
        release is upgraded for another reason. Then the plan lists what the upgrade reverts.
      - V(report) lists drifted objects in the diff, with the reason V(drift), but neither changes them nor counts them
        as a change.
      - V(correct) upgrades the releases whose objects have drifted. With Helm 4 it uses C(--force-conflicts), so that
        it also resets fields that another field manager owns.
    type: str
    choices: [ignore, report, correct]
    default: ignore
  concurrency:
    description:
      - How many releases are worked on at once.
    type: int
    default: 8
  diff_ignore:
    description:
      - Parts of objects whose differences do not count and are not shown.
    type: list
    elements: dict
    suboptions:
      kind:
        description:
          - The kind of the objects, for example V(Deployment), or a pattern with C(*), C(?) or C([…]).
          - Not given, it is any kind.
        type: str
      name:
        description:
          - The name of the objects, or a pattern as for O(diff_ignore[].kind).
          - Not given, it is any name.
        type: str
      path:
        description:
          - The path of the field. It is a JSON pointer if it begins with a slash, for example
            V(/metadata/annotations/example.org~1hash), else keys that are joined by dots, for example V(spec.replicas).
          - C(*) matches any key, and any index of a list, for example V(spec.template.spec.containers.*.image).
          - Not given, it is the whole object.
        type: str
  forbid:
    description:
      - Plans that must not be carried out. If one of the expressions finds anything in the plan, the task fails before
        it changes anything, in check mode as well, and says what was found.
      - Each has the key C(when), a JMESPath expression over RV(plan), for example V(risks[?risk=='data-loss']),
        V(releases[?action=='uninstall']) or V(images[?!starts_with(image, 'registry.example.org/')]).
      - It may have the key C(message), what the failure says; not given, it is the expression.
      - An expression finds something if it gives anything but null, false, or an empty text, list or mapping. One that
        names what no plan has is an error.
    type: list
    elements: dict
  report_file:
    description:
      - Files on the controller to write a report into, for people and for programs. They show the plan, its risks, the
        values, objects and images that change, and after a run its outcome; masked as the result is.
      - The name says which kind it is, V(.html) a web page, V(.md) Markdown, for example for a merge request, and
        V(.json) the result as a whole.
      - A relative path counts from where C(ansible-playbook) was started. The folder must be there.
      - Tasks of one run, also of several hosts, that name the same file write one report; hosts with the same changes
        are listed together. Check mode writes it, too, and so does a task that fails.
      - Cannot be used with C(async) or C(no_log).
    type: list
    elements: path
  report_limit:
    description:
      - How many characters a report in Markdown may have. GitHub takes 65,536 in a comment.
      - If it is longer, the largest diffs are cut first.
    type: int
    default: 60000
  lock:
    description:
      - Keep other runs off the same stack and environment of the cluster while something is changed.
      - The lock is a C(Lease) in the namespace C(default), which expires 30 seconds after its holder has died. It needs
        the right to get, create, patch and delete leases there. Check mode takes none, nor does a run that has nothing
        to do.
      - A run that loses its lock, because someone deleted or took the lease, begins nothing more and fails.
      - A run that fails or is stopped leaves a lease that can be taken at once, with the time in which it was at work,
        which O(recover) uses.
    type: bool
    default: true
  lock_wait:
    description:
      - How long to wait for another run's end before the task fails, as a Go duration like V(5m) or a number of
        seconds. The plan is then made anew.
      - A run that gives no sign of life is waited for in any case, until its lease expires. One that is alive gives a
        sign every 5 seconds.
    type: str
    default: 0s
  progress:
    description:
      - Show on the controller, while the task runs, when a release begins, becomes ready or fails; in check mode, what
        would happen to each release.
      - With C(async) or C(no_log) there are no such lines.
      - The sub-charts of sprayed umbrella charts are listed as a table at the end, in check mode too.
    type: bool
    default: true
"""
