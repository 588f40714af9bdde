namespace AzureIaaS.Benchmarks;

/// <summary>docs/performance.md: the latest table, the machine it was measured on, and how to read it.</summary>
internal static class PerformanceDocument
{
    /// <summary>Writes the document.</summary>
    /// <param name="asked">What was measured.</param>
    /// <param name="table">What came out.</param>
    public static async Task WriteAsync(BenchArguments asked, string table)
    {
        var facts = await HostFacts.ListAsync(asked.Workshop.Folder);
        var path = Path.Combine(Workshop.Root, "docs", "performance.md");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path,
            $"""
            # Performance

            Written by `./build.sh bench`. Everything is measured beside a peer in the same run, since only ratios travel from machine to
            machine; targets are those of the product's own plan.

            {table}
            `Result` is how many times as fast as the peer the product was, what it added, or the size or time itself. Speeds are MiB of data a
            second, data being what the raw disk has allocated. Times are medians of {asked.Workshop.Rounds} runs unless a row says otherwise. *Disturbed*
            means that other programs used the machine during most of them.

            ## The machine

            {string.Join('\n', facts.Select(f => $"- {f.Name}: {f.Value}"))}

            ## To repeat

                ./build.sh bench                  # everything
                ./build.sh bench copy start       # some of it
                ./build.sh bench --quick          # does it run at all

            It takes about ten minutes, some more the first time, and 20 GiB under `tests/Benchmarks/bin/work`; `--folder` names another place, and the
            images stay there for the next run. `--rounds 7` takes longer and says more.

            ## What is compared

            - **copy**: an image becomes a raw disk, as whole processes with their start and end, from a warm cache into the page cache. The disk is of
              8 GiB with about 1.2 GiB of data: once invented (runs of 4 KiB to 4 MiB, a third each of noise, text and tables), once a real ext4 with
              programs and libraries. The peer of an uncompressed image is `cp --sparse=always` of the same file, and the faster of `qemu-img convert`
              and `qemu-img convert -m 16 -W`; cp and qemu-img compute no digest. Ours is the product's copy and nothing else, in a bare .NET program.
            - **import**: `iaas import` with all it does: looking the image over, the copy with its digest and journal, the database, and the disk
              synchronised; beside `cp --sparse=always` and `sync -d` of the copy.
            - **memory**: the high-water mark (VmHWM) of `iaas import`.
            - **start**: from the command until the guest, a boot sector, says on its serial console that it is up. By hand is the very command line that
              -Verbose shows, started by a shell, its monitor greeted and told `cont`. *The fabric's first* starts the fabric's watcher as well, another
              PowerShell that then competes with the guest for the processors.
            - **planned**: a Linux of 512 MiB goes from host to host and back, by turns with another one that is moved by bare QMP: a second QEMU started with
              the product's own command line, `migrate-incoming`, `migrate` with the same limits, `query-migrate`, `quit`. It stands still from the STOP of
              the QEMU it leaves to the RESUME of the one it goes to, by QEMU's own clock.
            - **unplanned**: kill -9 of a machine's QEMU; the fabric's watcher brings it back by itself. Up is when the guest says so on its console; the peer
              is the same command line started by hand.
            - **watcher**: processor time over 20 seconds and resident memory, beside twenty boot sectors that tick four times a second.
            - **switch**: two peers with a unix datagram socket each, connected to their ports, a system call a frame; one sends as fast as it can, the other
              takes. The bare relay makes the switch's system calls in batches of the same size and does nothing else: no switch on such sockets is faster.
              QEMU does not connect its socket, so the kernel lets only a few frames wait for it (net.unix.max_dgram_qlen); the rows of a socket like QEMU's are of peers
              that do not either, beside a multicast group on the loopback, which is what QEMU's own `socket,mcast` is.
            - **guests**: two Linux guests of the product, one processor each, on a network of its, with a further card of the same model for each other way, so that it
              is always the same two guests, by turns. One sends frames by the kernel's packet generator, and those that the other receives count; then the other
              fetches a file by HTTP, whose digest is checked. Beside the switch: QEMU's own `socket,mcast`, and what two QEMUs do with nothing between them: by
              the netdev that the switch is reached by (`dgram`), which is the guests' limit, and by `l2tpv3` and `stream`, by which no switch can be reached that may be replaced
              and keeps strangers out ([networks.md](networks.md#how-fast)). The sender alone, with nobody at the other end, is *nowhere*. Processor time is that of both QEMUs and of the switch: others on the machine change the rates, and it much less.
            - **site**: a member's packets through the switch, the gateway of the sites and the tunnel into a network namespace, 64 under way; beside them a
              socket's on a gateway whose strongSwan is configured by hand, with the same cipher. Needs root.
            - **simulate**: hosts that fail and are repaired, and their machines that start elsewhere; an event is one removal from the queue. It runs in a process that stays
              and is warm, as a PowerShell is, with the runtime's default of compiling anew from what it has seen; the plain queue in the same one. By processor time, but for the threads.
            - **scale**: the simulated hypervisor, with everything else as for real: locks, sagas, placement, reports. A host or a fault domain is lost by one
              process, and its machines are brought back by another, the watcher. The time runs from the loss to the last machine that runs elsewhere.
            - **list**, **module**: in a PowerShell that has run the command before; as whole processes for `iaas` and for Import-Module.

            ## What misleads

            - The first run after another program can take up to a second more where the machine is a virtual one whose host takes unused memory back.
              So a file of the same size is written and deleted before every run, and the first round counts for nothing.
            - Whoever always follows the same contestant inherits its cache and its write-back. So every other round runs in the opposite order.
            - A neighbour's build halves everything, and not evenly. So a run waits until the machine is quiet, and is repeated when it was not.
            - Small images measure the start of a .NET program, about 50 ms. So there is more than a gigabyte of data.
            - Invented data is kinder, or crueller, than real data. So there is a real file system beside it.
            """ + "\n");
        Workshop.Say($"wrote {path}");
    }
}
