using System.Text;
using AzureIaaS.Simulation;

namespace AzureIaaS.Tests.Simulation;

public class ModelFileTests
{
    private const string Good = """
        # A farm
        @{
            Name         = 'Share''s farm'
            Hosts        = @(
                @{ Name = 'blade'; Count = 12; Cpu = 32; Memory = 256GB; FaultDomains = 3; UpdateDomains = 4 }
                @{ Name = 'far'; Count = 4; Memory = '256 GB'; Region = 'secondary' }
            )
            Machines     = @{ Name = 'sp-sql'; Count = 2; Memory = 64GB; AvailabilitySet = 'sql'; Replicated = $true },
                           @{ Name = 'sp-web'; Count = 6; AvailabilitySet = 'web'; StartAfter = 'sp-sql' }   <# the
                              rest #>
            Applications = @{ Name = 'Sql'; Requires = '1 of sp-sql' }, @{ Name = 'Web'; Requires = '4 of sp-web'; DependsOn = 'Sql' }
            Failures     = @{ Host = '2 y'; HostRepair = 'lognormal 4 h sigma 1.5'; Crews = 2; CommonCause = 0.02; Zone = 'weibull 9 y shape 0.8' }
            Recovery     = @{ Boot = 'empirical 60 s, 90 s, 3 min' }
            Maintenance  = $null
            Replication  = @{ Period = '5 min'; Decision = 'exponential 1 h' }
            Sla          = 99.95
        }
        """;

    [Fact]
    public void A_data_file_is_read_and_what_it_does_not_say_is_filled_in_and_said()
    {
        var model = Read("farm.psd1", Good);
        Assert.Equal("Share's farm", model.Name);
        Assert.Equal((16, 8), (model.HostCount, model.MachineCount));
        Assert.Equal((256L << 30, 256L << 30), (model.Hosts[0].Memory, model.Hosts[1].Memory));
        Assert.Equal(Law.Exponential(2 * TimeText.Year), model.Failures.Host);
        Assert.Equal(["Sql"], model.Applications[1].DependsOn);
        Assert.Null(model.Maintenance);
        Assert.Equal(3, model.Sla!.Credits.Count);
        Assert.True(model.Machines[0].Replicated);
        Assert.Contains(model.Assumptions, a => a is { Parameter: "Failures.FaultDomain", Source: null });
        Assert.Contains(model.Assumptions, a => a is { Parameter: "Recovery.Detection", Source.Length: > 10 });
        Assert.DoesNotContain(model.Assumptions, a => a.Parameter is "Failures.Host" or "Recovery.Boot" || a.Parameter.StartsWith("Maintenance", StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_written_is_read_as_the_same()
    {
        var model = Read("farm.psd1", Good);
        var text = ModelFile.Write(model);
        var again = Read("farm.json", text);
        Assert.Empty(again.Assumptions);   // everything was said
        again.Assumptions = model.Assumptions;
        Assert.Equal(text, ModelFile.Write(again));
        Assert.Equal(Simulator.Measure(model, new SimulationOptions { Replications = 2, Years = 1 }).Fingerprint, Simulator.Measure(again, new SimulationOptions { Replications = 2, Years = 1 }).Fingerprint);
    }

    [Theory]
    [InlineData("@{ Hosts = @{ Count = 3 } }", 0, "no machines")]
    [InlineData("@{\n Hosts = @{ Count = 0 }\n Machines = @{ Count = 1 } }", 0, "no hosts")]
    [InlineData("@{\n Hosts = @(\n @{ Count = -4 }\n @{ Name = 'b'; Count = 9 } )\n Machines = @{ Count = 1 } }", 3, "are -4")]
    [InlineData("@{\n Hosts = @{ Count = 2 }\n Machines = @{ Count = 1 }\n Failures = @{\n Host = '-2 y' } }", 5, "Failures.Host is '-2 y'")]
    [InlineData("@{\n Hosts = @{ Count = 2 }\n Machines = @{ Count = 1 }\n Failures = @{\n Host = 17 } }", 5, "time between failures")]
    [InlineData("@{\n Hosts = @{ Count = 2 }\n Machines = @{ Count = 1 }\n Failures = @{ Hosst = '2 y' } }", 4, "has no 'Hosst'")]
    [InlineData("@{\n Hosts = @{ Count = 2 }\n Machines = @{ Name = 'web'; Count = 2 }\n Applications = @{\n Web = '3 of web' } }", 5, "there are only 2")]
    [InlineData("@{\n Hosts = @{ Count = 2 }\n Machines = @{ Name = 'web'; Count = 2 }\n Applications = @{\n Web = '1 of sql' } }", 5, "no machine is called so")]
    [InlineData("@{\n Hosts = @{ Count = 2 }\n Machines = @{ Count = 2 }\n Applications = @{\n Web = 'some of them' } }", 5, "cannot be read")]
    [InlineData("@{\n Hosts = @{ Count = 2 }\n Machines = @{ Count = 1 }\n Applications = @(\n @{ Name = 'A'; Requires = '1 of vm'; DependsOn = 'B' }\n @{ Name = 'B'; Requires = '1 of vm'; DependsOn = 'A' } ) }", 5, "A → B → A")]
    [InlineData("@{\n Hosts = @{ Count = 2 }\n Machines = @(\n @{ Name = 'a'; StartAfter = 'b' }\n @{ Name = 'b'; StartAfter = 'a' } ) }", 4, "a → b → a")]
    [InlineData("@{\n Hosts = @{ Count = 2; Memory = 16GB }\n Machines =\n @{ Count = 9; Memory = 8GB } }", 4, "no room for all")]
    [InlineData("@{\n Hosts = @{ Count = 2; Memory = 16GB }\n Machines =\n @{ Count = 1; Memory = 32GB } }", 4, "no room for all")]
    [InlineData("@{\n Hosts = @{ Count = 2 }\n Machines =\n @{ Count = 1000000000 } }", 4, "1,000,000,000 machines are more")]
    [InlineData("@{\n Hosts = @{ Count = 2 }\n Machines =\n @{ Count = 99999999999 } }", 4, "a whole number")]
    [InlineData("@{\n Hosts = @{ Count = 2 }\n Machines = @{ Count = (Get-Random) } }", 3, "begins a command")]
    [InlineData("@{\n Hosts = @{ Count = $env:X }\n Machines = @{ Count = 1 } }", 2, "is a variable")]
    [InlineData("@{\n Hosts = @{ Count = 2\n Machines = @{ Count = 1 }", 2, "has no end")]
    [InlineData("@{\n Hosts = @{ Count = 2 }\n Name = 'abc\n }", 3, "has no end")]
    [InlineData("@{\n Hosts = @{ Count = 2 }\n Hosts = @{ Count = 2 } }", 3, "there twice")]
    [InlineData("@{\n Hosts = @{ Count = 2 }\n Machines = @{ Count = 1 }\n Failures = @{ Script = @(\n @{ Fails = 'host x'; At = '1 h'; For = '1 h' } ) } }", 5, "does not have")]
    [InlineData("@{\n Hosts = @{ Count = 2 }\n Machines = @{ Count = 1 }\n Replication = @{ To = 'mars' } }", 0, "has no hosts")]
    [InlineData("@{\n Hosts = @{ Count = 2 }\n Machines = @{ Count = 1 }\n Sla = @{\n Target = 120 } }", 5, "a number from 0 to 100")]
    public void A_data_file_that_makes_no_sense_is_refused_with_its_line(string text, int line, string says) => Refused("bad.psd1", text, line, says);

    [Theory]
    [InlineData("{\n \"Hosts\": { \"Count\": 2 },\n \"Machines\": { \"Count\": 1.5 } }", 3, "a whole number")]
    [InlineData("{\n \"Hosts\": { \"Count\": 2 },\n \"Machines\": [ { \"Count\": 1 }", 3, "no JSON")]
    [InlineData("{\n \"Hosts\": { \"Count\": 2 },\n \"Machines\":\n 7 }", 4, "has to be a table")]
    [InlineData("{\n \"Hosts\": { \"Count\": 2, \"count\": 3 } }", 2, "there twice")]
    [InlineData("[]", 1, "has to be a table")]
    [InlineData("", 1, "no JSON")]
    public void JSON_that_makes_no_sense_is_refused_with_its_line(string text, int line, string says) => Refused("bad.json", text, line, says);

    [Fact]
    public void Nothing_that_can_be_written_in_a_file_does_more_than_be_refused()
    {
        var random = new Random(11);
        var bytes = Encoding.UTF8.GetBytes(Good);
        for (var i = 0; i < 3000; i++)
        {
            var bad = bytes.ToArray();
            for (var change = 0; change <= random.Next(3); change++)
                bad[random.Next(bad.Length)] = (byte)random.Next(random.Next(2) == 0 ? 128 : 256);
            var cut = random.Next(3) == 0 ? bad[..random.Next(bad.Length)] : bad;
            try
            {
                ModelFile.Parse(cut, "any.psd1");
            }
            catch (IaaSException e)
            {
                Assert.NotEmpty(e.Remedy);
            }
        }
    }

    [Fact]
    public void A_file_that_is_not_there_is_refused_by_name()
    {
        var e = Assert.Throws<IaaSException>(() => ModelFile.Read("/nowhere/farm.psd1"));
        Assert.Equal((ErrorKind.NotFound, "ModelNotFound"), (e.Kind, e.ErrorId));
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(0, 0)]
    [InlineData(9_999, 2)]
    [InlineData(double.NaN, 0)]
    public void A_horizon_that_makes_no_sense_is_refused(double years, double warmUp)
    {
        var e = Assert.Throws<IaaSException>(() => Simulator.Measure(Read("farm.psd1", Good), new SimulationOptions { Years = years, WarmUpYears = warmUp }));
        Assert.Equal("InvalidHorizon", e.ErrorId);
    }

    private static FleetModel Read(string name, string text) => ModelFile.Parse(Encoding.UTF8.GetBytes(text), name);

    private static void Refused(string name, string text, int line, string says)
    {
        var e = Assert.Throws<IaaSException>(() =>
        {
            // What only placement can see is refused when it is simulated.
            Simulator.Measure(Read(name, text), new SimulationOptions { Years = 0.1, Replications = 1 }, name);
        });
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
        Assert.StartsWith(line == 0 ? $"{name}: " : $"{name}, line {line}: ", e.Message, StringComparison.Ordinal);
        Assert.Equal("InvalidFleetModel", e.ErrorId);
        Assert.NotEmpty(e.Remedy);
    }
}
