using AzureIaaS.ArmDouble;

// Serves the double on loopback: ArmDouble PORT [storage]
// With "storage", disks lie in a real storage emulator. A request for /end ends it.
using var server = new ArmServer(int.Parse(args[0], System.Globalization.CultureInfo.InvariantCulture));
using var storage = args.Contains("storage") ? await Azurite.StartAsync() : null;
var arm = new Arm(TimeProvider.System, storage is null ? new BlobDouble(server.Address) : storage) { PollsUntilDone = 0, HasAgent = true, RetryAfter = "0" };
Console.WriteLine($"listening on {server.Address}");
await server.RunAsync(arm);
