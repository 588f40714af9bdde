using AzureIaaS.Providers;
using AzureIaaS.Sagas;
using AzureIaaS.Store;
using Microsoft.Data.Sqlite;

namespace AzureIaaS.Local.Tests.Store;

public sealed class StateStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("azureiaas-").FullName;
    private readonly List<IStateStore> _open = [];

    private string Database => Path.Combine(_folder, StoreAdapter.DatabaseName);

    public void Dispose()
    {
        _open.ForEach(s => s.Dispose());
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void AMachineComesBackAsItWasWritten()
    {
        var store = Open();
        var machine = Publish(store, "web01");
        var read = Open().Machines.Find("WEB01")!;
        Assert.Equal((machine.Id, "web01", 512L << 20, 1L), (read.Machine.Id, read.Machine.Name, read.Machine.Memory, read.Generation));
        Assert.Equal("disk0", Assert.Single(read.Machine.Disks).Name);
        Assert.Equal("v", read.Machine.Tags["k"]);
    }

    [Fact]
    public void WhatIsOnAHostIsFoundWithoutReadingAll()
    {
        var store = Open();
        var first = store.Machines.Find(Publish(store, "web01").Id)!;
        Publish(store, "web02");
        first.Machine.Host = "rack1-h1";
        store.Machines.Update(first);
        Assert.Equal("web01", Assert.Single(store.Machines.ListOn("RACK1-h1")).Machine.Name);
        Assert.Empty(store.Machines.ListOn("rack1"));
    }

    [Fact]
    public void AnOlderGenerationIsNotWritten()
    {
        var store = Open();
        var stored = store.Machines.Find(Publish(store, "web01").Id)!;
        store.Machines.Update(stored);
        Assert.Equal("VmChangedMeanwhile", Assert.Throws<IaaSException>(() => store.Machines.Update(stored)).ErrorId);
    }

    [Fact]
    public void ANameBelongsToOne()
    {
        var store = Open();
        Publish(store, "web01");
        Assert.Equal("VmNameTaken", Assert.Throws<IaaSException>(() => store.Sagas.Create(Record("Web01"), reserveName: true)).ErrorId);
        store.Sagas.Create(Record("web02"), reserveName: true);
        Assert.Equal("VmNameTaken", Assert.Throws<IaaSException>(() => store.Sagas.Create(Record("WEB02"), reserveName: true)).ErrorId);
    }

    [Fact]
    public void ClosingAnOperationFreesTheNameItReserves()
    {
        var store = Open();
        var record = Record("web01");
        store.Sagas.Create(record, reserveName: true);
        Assert.Equal(record.Id, store.Sagas.FindReserving("web01")!.Id);
        store.Sagas.Close(record.Id);
        Assert.Null(store.Sagas.FindReserving("web01"));
        store.Sagas.Create(Record("web01"), reserveName: true);
    }

    [Fact]
    public void PublishingEndsTheOperationAndKeepsTheNameAndMayBeRepeated()
    {
        var store = Open();
        var record = Record("web01");
        store.Sagas.Create(record, reserveName: true);
        var machine = Machine("web01");
        store.Machines.Publish(machine, record.Id);
        store.Machines.Publish(machine, record.Id);
        store.Sagas.Close(record.Id);
        Assert.False(store.Sagas.Find(record.Id)!.IsOpen);
        Assert.Single(store.Machines.List());
        Assert.Throws<IaaSException>(() => store.Sagas.Create(Record("web01"), reserveName: true));
    }

    [Fact]
    public void RemovingFreesTheName()
    {
        var store = Open();
        var machine = Publish(store, "web01");
        store.Machines.Remove(machine.Id);
        store.Machines.Remove(machine.Id);
        Assert.Null(store.Machines.Find("web01"));
        Publish(store, "web01");
    }

    [Fact]
    public void EventsComeBackInOrder()
    {
        var store = Open();
        var record = Record("web01");
        store.Sagas.Create(record, reserveName: true);
        var time = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero).AddTicks(1234567);
        store.Sagas.Append(record.Id, new SagaEvent(0, "copy", SagaEventKind.Started, time, null));
        store.Sagas.Append(record.Id, new SagaEvent(1, "copy", SagaEventKind.Failed, time, "why"));
        Assert.Equal([new(0, "copy", SagaEventKind.Started, time, null), new(1, "copy", SagaEventKind.Failed, time, "why")], Open().Sagas.Events(record.Id));
    }

    [Fact]
    public async Task ManyWritersAtOnceLoseNothing()
    {
        var machine = Publish(Open(), "web01");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            using var store = new StoreAdapter().Open(_folder, durable: true);
            for (var done = 0; done < 25;)
            {
                var stored = store.Machines.Find(machine.Id)!;
                stored.Machine.Cpu++;
                try
                {
                    store.Machines.Update(stored);
                    done++;
                }
                catch (IaaSException e) when (e.ErrorId == "VmChangedMeanwhile")
                {
                    // Somebody was faster; it is read again.
                }
            }
        })));
        Assert.Equal(1 + 200, Open().Machines.Find(machine.Id)!.Machine.Cpu);
    }

    [Fact]
    public void AnotherStoresWriteChangesTheVersion()
    {
        var (one, other) = (Open(), Open());
        var before = one.Version;
        Assert.Equal(before, one.Version);
        Publish(other, "web01");
        Assert.NotEqual(before, one.Version);
    }

    [Fact]
    public void WhatHasChangedSinceIsToldOnceAndInFull()
    {
        var (store, other) = (Open(), Open());
        var machines = Enumerable.Range(0, 5).Select(i => new VirtualMachine { Id = Guid.NewGuid(), Name = $"vm{i}" }).ToList();
        foreach (var machine in machines)
            store.Machines.Add(machine, "{}");
        var all = other.Machines.ChangesSince(-1);
        Assert.Equal(machines.Select(m => m.Id).Order(), all.Written.Select(m => m.Machine.Id).Order());
        Assert.Empty(other.Machines.ChangesSince(all.Change).Written);

        store.Machines.Update(store.Machines.Find("vm1")!);
        store.Machines.Remove(machines[2].Id);
        store.Machines.Remove(machines[4].Id);
        store.Machines.Add(new VirtualMachine { Id = Guid.NewGuid(), Name = "vm4" }, "{}");
        var since = other.Machines.ChangesSince(all.Change);
        Assert.Equal(["vm1", "vm4"], since.Written.Select(m => m.Machine.Name).Order());
        Assert.Equal(new[] { machines[2].Id, machines[4].Id }.Order(), since.Removed.Order());
        var last = other.Machines.ChangesSince(since.Change);
        Assert.Equal((since.Change, 0, 0), (last.Change, last.Written.Count, last.Removed.Count));

        var hosts = other.Hosts.Change;
        store.Hosts.Add(new FabricHost { Name = "spare" });
        Assert.True(other.Hosts.Change > hosts);
    }

    [Fact]
    public void ADamagedDatabaseIsSaidSoWithItsPath()
    {
        Open().Dispose();
        _open.Clear();
        File.WriteAllBytes(Database, Enumerable.Repeat((byte)'x', 40_000).ToArray());
        var error = Assert.Throws<IaaSException>(() => Open());
        Assert.Equal(("StateCorrupt", ErrorKind.InvalidData), (error.ErrorId, error.Kind));
        Assert.Contains(Database, error.Message, StringComparison.Ordinal);
        Assert.Contains("backup", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void AStateOfANewerVersionIsNotTouched()
    {
        Open().Dispose();
        _open.Clear();
        using (var connection = new SqliteConnection($"Data Source={Database};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA user_version = 99";
            command.ExecuteNonQuery();
        }

        Assert.Equal("StateOfNewerVersion", Assert.Throws<IaaSException>(() => Open()).ErrorId);
    }

    [Fact]
    public void OnlyItsOwnerMayReadIt()
    {
        Open();
        const UnixFileMode Others = (UnixFileMode)0b000_111_111;
        foreach (var path in Directory.EnumerateFileSystemEntries(_folder, "*", SearchOption.AllDirectories))
            Assert.True((File.GetUnixFileMode(path) & Others) == 0, path);
    }

    [Fact]
    public async Task ALockBelongsToOneAndIsFreeWhenItIsLetGo()
    {
        var (one, other) = (Open().Locks, Open().Locks);
        var held = one.TryAcquire("a");
        Assert.NotNull(held);
        Assert.Null(other.TryAcquire("a"));
        Assert.Null(one.TryAcquire("a"));
        Assert.Equal($"process {Environment.ProcessId}", other.DescribeHolder("a"));
        using var b = other.TryAcquire("b");
        Assert.NotNull(b);
        Assert.Null(await other.AcquireAsync("a", TimeSpan.FromMilliseconds(50), CancellationToken.None));
        var waiting = other.AcquireAsync("a", TimeSpan.FromSeconds(20), CancellationToken.None);
        held.Dispose();
        using var got = await waiting;
        Assert.NotNull(got);
    }

    private IStateStore Open()
    {
        var store = new StoreAdapter().Open(_folder, durable: true);
        _open.Add(store);
        return store;
    }

    private static VirtualMachine Publish(IStateStore store, string name)
    {
        var record = Record(name);
        store.Sagas.Create(record, reserveName: true);
        var machine = Machine(name);
        store.Machines.Publish(machine, record.Id);
        return machine;
    }

    private static VirtualMachine Machine(string name) => new()
    {
        Id = Guid.NewGuid(),
        Name = name,
        State = MachineState.Deallocated,
        Cpu = 1,
        Memory = 512 << 20,
        Disks = [new VirtualDisk { Name = "disk0" }],
        Tags = new Dictionary<string, string> { ["k"] = "v" },
    };

    private static SagaRecord Record(string name) => new(Guid.NewGuid(), "Import", 1, name, "/x", "{}", DateTimeOffset.UnixEpoch);
}
