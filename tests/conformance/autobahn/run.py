"""Runs cases of the Autobahn suite against one server or client, and judges the results.

Python 2.7, with the suite importable. Called by autobahn.sh, which documents the environment.

    run.py server URL SELECTION REPORTS
    run.py client COMMAND SELECTION REPORTS
"""
from __future__ import print_function

import collections
import json
import os
import re
import signal
import socket
import sys

CONSOLE = sys.stdout
AGENT = 'veche'


def main():
    role, target, selection, reports = sys.argv[1:5]
    # The suite prints a line per case, and its own dependencies print warnings.
    sys.stdout = sys.stderr = open(os.path.join(reports, 'suite.log'), 'w', 1)
    from autobahntestsuite import case, caseset
    cases = caseset.CaseSet(case.CaseSetname, case.CaseBasename, case.Cases, case.CaseCategories,
                            case.CaseSubCategories)
    wanted = select(cases.CasesIndices, selection)
    if not wanted:
        stop_early('no case is selected by %s' % selection)
    run = Run(wanted, reports)
    timeout = float(os.environ.get('AUTOBAHN_TIMEOUT') or 1800)
    (test_server if role == 'server' else test_client)(run, target, timeout)
    sys.exit(run.summary())


def select(known, selection):
    """The ids of the selected cases, in the order of the suite.

    A selection is `fast`, `full`, or patterns between commas, as `6.*,12.1.3`.
    """
    if selection == 'full':
        chosen = known
    elif selection == 'fast':
        chosen = [name for name in known if is_fast([int(part) for part in name.split('.')])]
    else:
        chosen = set()
        for pattern in selection.split(','):
            expression = re.compile(re.escape(pattern).replace('\\*', '.*') + '$')
            found = [name for name in known if expression.match(name)]
            if not found:
                stop_early('there is no case %s' % pattern)
            chosen.update(found)
    return sorted(chosen, key=lambda name: [int(part) for part in name.split('.')])


def is_fast(numbers):
    """A third of the sizes of compression, which take most of the time, and all the rest."""
    return numbers[0] not in (12, 13) or numbers[2] in (1, 2, 3, 11, 12, 13)


class Run(object):
    """What is still to be run, and what came of the rest."""

    def __init__(self, wanted, reports):
        self.wanted = wanted
        self.waiting = collections.deque(wanted)
        self.verdicts = {}
        self.reports = reports
        self.notes = []

    def record(self, factory, result):
        """Called by the suite when a case has ended."""
        name = result['id']
        verdict, why = judge(name, result)
        self.verdicts[name] = (verdict, why)
        if verdict == 'failed':
            # The suite's own page on what went over the wire.
            factory.agents = {AGENT: {name: result}}
            factory.createAgentCaseReportHTML(AGENT, name, self.reports)

    def summary(self):
        count = collections.Counter()
        groups = collections.defaultdict(collections.Counter)
        for name in self.wanted:
            verdict, why = self.verdicts.get(name, ('failed', 'never ended'))
            count[verdict] += 1
            groups[int(name.split('.')[0])][verdict] += 1
            if verdict == 'failed':
                say('  case %s: %s' % (name, why))
        for group in sorted(groups):
            figures = ['%s %d' % (verdict, groups[group][verdict]) for verdict in VERDICTS if groups[group][verdict]]
            say('  group %2d: %s' % (group, ', '.join(figures)))
        for note in self.notes:
            say('  ' + note)
        figures = ' '.join('%s %d' % (verdict, count[verdict]) for verdict in VERDICTS)
        say('autobahn: %s of %d' % (figures, len(self.wanted)))
        return 1 if count['failed'] else 0


VERDICTS = ('ok', 'nonstrict', 'informational', 'declined', 'failed')


def judge(name, result):
    """One verdict from the suite's two: on what was echoed, and on how the connection ended."""
    behavior, ending = result['behavior'], result['behaviorClose']
    why = '%s, its end %s (close code %s); %s' % (behavior, ending, result['remoteCloseCode'], result['result'])
    if behavior == 'UNIMPLEMENTED':
        # The offer of compression was declined, which RFC 7692 allows.
        must_be_taken = os.environ.get('AUTOBAHN_DEFLATE') == 'required'
        return ('failed' if must_be_taken else 'declined'), why
    if behavior not in ('OK', 'NON-STRICT', 'INFORMATIONAL'):
        return 'failed', why
    if ending == 'FAILED BY CLIENT':
        # It waited for the other side to drop the connection; the RFC says SHOULD.
        return 'nonstrict', why
    if ending not in ('OK', 'INFORMATIONAL'):
        return 'failed', why
    return {'OK': 'ok', 'NON-STRICT': 'nonstrict', 'INFORMATIONAL': 'informational'}[behavior], why


def test_server(run, url, timeout):
    """Connects to `url` for one case after the other, a few of them side by side."""
    from twisted.internet import reactor
    from autobahntestsuite import fuzzing
    busy = set()

    class Lane(fuzzing.FuzzingClientFactory):
        """One connection at a time, each for the next case that waits."""

        def nextCase(self):
            if not run.waiting:
                return False
            self.currentCaseId = run.waiting.popleft()
            self.currentCaseIndex = self.CaseSet.CasesIndices[self.currentCaseId]
            busy.add(self)
            return True

        def logCase(self, result):
            run.record(self, result)

        def clientConnectionLost(self, connector, reason):
            self.go_on(connector)

        def clientConnectionFailed(self, connector, reason):
            run.verdicts[self.currentCaseId] = ('failed', 'no connection: ' + reason.getErrorMessage())
            self.go_on(connector)

        def go_on(self, connector):
            busy.discard(self)
            if self.nextCase():
                connector.connect()
            elif not busy:
                reactor.stop()

    for _ in range(min(int(os.environ.get('AUTOBAHN_LANES') or 4), len(run.wanted))):
        Lane({'servers': [{'agent': AGENT, 'url': url}], 'cases': ['*'], 'outdir': run.reports})
    run_reactor(run, timeout)


def test_client(run, command, timeout):
    """Serves the cases to `command`, which ends when it has been through all of them."""
    from twisted.internet import protocol, reactor
    from autobahn.twisted.websocket import listenWS
    from autobahntestsuite import fuzzing

    class Server(fuzzing.FuzzingServerFactory):
        def logCase(self, result):
            run.record(self, result)

        def createReports(self, *_):
            pass

    class Client(protocol.ProcessProtocol):
        def processEnded(self, reason):
            if reason.value.exitCode != 0:
                run.notes.append('the client ended with %s' % (reason.value.exitCode or reason.value.signal))
            if reactor.running:
                reactor.stop()

    url = 'ws://127.0.0.1:%d' % free_port()
    listenWS(Server({'url': url, 'cases': run.wanted, 'outdir': run.reports}), interface='127.0.0.1')
    environment = dict(os.environ, AUTOBAHN_URL=url, AUTOBAHN_AGENT=AGENT)
    console = CONSOLE.fileno()
    process = []
    reactor.callWhenRunning(lambda: process.append(reactor.spawnProcess(
        Client(), '/bin/sh', ['sh', '-c', 'exec ' + command], environment, childFDs={0: 'w', 1: console, 2: console})))
    run_reactor(run, timeout)
    if process and process[0].pid:
        process[0].signalProcess('KILL')


def run_reactor(run, timeout):
    from twisted.internet import reactor

    def give_up():
        run.notes.append('stopped after %d seconds' % timeout)
        reactor.stop()

    alarm = reactor.callLater(timeout, give_up)
    signal.signal(signal.SIGTERM, lambda *_: reactor.callFromThread(reactor.stop))
    reactor.run()
    if alarm.active():
        alarm.cancel()


def free_port():
    probe = socket.socket()
    probe.bind(('127.0.0.1', 0))
    port = probe.getsockname()[1]
    probe.close()
    return port


def say(line):
    print(line, file=CONSOLE)
    CONSOLE.flush()


def stop_early(why):
    say('autobahn: ' + why)
    sys.exit(2)


if __name__ == '__main__':
    main()
