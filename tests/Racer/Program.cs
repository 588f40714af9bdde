using System.Diagnostics;
using System.Globalization;
using AzureIaaS.Local;
using AzureIaaS.Racer;
using AzureIaaS.Sessions;
using AzureIaaS.Store;

if (args[0] == "headless")
{
    Headless.Become(args[1]);
    return 1;
}

// One of several processes that ask everything of one machine at once: FABRIC HYPERVISOR MACHINE SEED ROUNDS. Being refused is normal, for others
// are quicker. What must not be said is that a machine runs already somewhere else; that, and what nobody foresaw, ends it with status 1.
var (path, hypervisor, name) = (args[0], Enum.Parse<HypervisorKind>(args[1]), args[2]);
var (seed, rounds) = (int.Parse(args[3], CultureInfo.InvariantCulture), int.Parse(args[4], CultureInfo.InvariantCulture));
using var session = IaaSSession.Open(new IaaSContext { Name = "race", Path = path, Hypervisor = hypervisor }, new StoreAdapter(), new LocalAdapter());
var requests = new Requests(session, session.Store.Machines.Find(name)!.Machine.Id, new Random(seed));
var time = Stopwatch.StartNew();
for (var round = 0; round < rounds; round++)
{
    if (await requests.MakeAsync() is not { } fault)
        continue;
    Console.WriteLine($"seed {seed}, round {round}, after {time.Elapsed}: {fault}");
    return 1;
}

Console.WriteLine(requests);
return 0;
