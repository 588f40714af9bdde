# The same cmdlets in Azure, against a double of its resource manager in a process of its own on loopback; disks lie in a real storage emulator where there is one.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    Enter-TestHome | Out-Null
    Import-Module $ModulePath
    $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
    $listener.Start()
    $port = $listener.LocalEndpoint.Port
    $listener.Stop()
    $cache = $env:XDG_CACHE_HOME ? $env:XDG_CACHE_HOME : (Join-Path $HOME '.cache')
    $storage = (Get-Command azurite-blob -ErrorAction Ignore) -or (Test-Path (Join-Path $cache 'azureiaas/azurite/node_modules/.bin/azurite-blob'))
    $arguments = @("$RepositoryRoot/tests/ArmDouble/bin/Release/net10.0/AzureIaaS.ArmDouble.dll", $port) + @(if ($storage) { 'storage' })
    $double = Start-Process dotnet $arguments -PassThru -RedirectStandardOutput (Join-Path $TestHome double.log)
    Wait-Until { (Test-Path (Join-Path $TestHome double.log)) -and (Get-Content (Join-Path $TestHome double.log) -Raw) -match 'listening' }
    $id = [guid]::NewGuid()
    $azure = @{ Azure = $true; Subscription = $id; ResourceGroup = 'farm'; Environment = "http://127.0.0.1:$port" }
    $image = Join-Path $TestHome web01.raw
    New-TestImage $image | Out-Null
}

AfterAll {
    Invoke-RestMethod "http://127.0.0.1:$port/end" -ErrorAction Ignore
    $double | Wait-Process -Timeout 30
    Exit-TestHome
}

Describe 'A context in Azure' {
    It 'needs a group that is there, or a region to make it in' {
        (Get-ErrorOf { Connect-IaaS @azure }).FullyQualifiedErrorId | Should -BeLike 'ResourceGroupNotFound*'
        $context = Connect-IaaS @azure -Location westeurope -Name cloud
        $context.Provider | Should -Be 'Azure'
        (Connect-IaaS @azure -Name cloud).Azure.Location | Should -Be 'westeurope'
    }
}

Describe 'A machine in Azure' {
    It 'is refused before the first byte when its operating system was not said' {
        (Get-ErrorOf { Import-IaaSVm $image -Firmware Bios -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'OSTypeUnknown*'
    }

    It 'is imported, joined, started, listed beside local ones, stopped and removed by the same cmdlets' {
        New-IaaSNetwork corp 10.20.0.0/24 | Select-Object -ExpandProperty FreeAddresses | Should -Be 251
        $vm = Get-Item $image | Import-IaaSVm -Firmware Bios -OSType Linux -Size Standard_D4s_v5 | Join-IaaSNetwork corp | Start-IaaSVm -Wait
        "$($vm.State) $($vm.Context) $($vm.IPAddress) $($vm.BootVerified)" | Should -Be 'Running cloud 10.20.0.4 True'
        (Get-IaaSVm web*).Size | Should -Be 'Standard_D4s_v5'
        (Get-IaaSVm -Context * | Where-Object Context -EQ cloud).Name | Should -Be 'web01'
        (Get-IaaSNetwork corp).Machines | Should -Be 'web01'
        (Stop-IaaSVm web01).State | Should -Be 'Deallocated'
        Remove-IaaSVm web01 -Confirm:$false
        Remove-IaaSNetwork corp
        Get-IaaSVm | Should -BeNullOrEmpty
        Get-IaaSNetwork | Should -BeNullOrEmpty
        Get-IaaSOrphan | Should -BeNullOrEmpty
    }

    It 'joins a site to its network by the same cmdlets as on this computer' {
        New-IaaSNetwork office 10.30.0.0/24 | Out-Null
        $site = New-IaaSSite hq office -Subnet 192.168.10.0/24 -GatewayAddress 198.51.100.7
        "$($site.Name) $($site.Context) $($site.State) $($site.LocalAddress -match '^203\.0\.113\.')" | Should -Be 'hq cloud Connecting True'
        Get-IaaSSiteConfiguration hq -IncludeSecret | Should -Match "remote_addrs = $($site.LocalAddress)[\s\S]*secret = 0s\w+"
        Get-IaaSSiteConfiguration hq | Should -Match 'REPLACE-WITH-THE-SHARED-KEY'
        (Get-ErrorOf { Remove-IaaSNetwork office -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'NetworkInUse*'
        Remove-IaaSSite hq
        Remove-IaaSNetwork office
        Get-IaaSSite | Should -BeNullOrEmpty
        Get-IaaSOrphan | Should -BeNullOrEmpty
    }

    It 'comes from this computer, is kept, fails over and goes home again' {
        $local = Import-IaaSVm $image -Name local01 -Context test
        $vm = Get-IaaSVm local01 -Context test | Import-IaaSVm -Context cloud -OSType Linux
        "$($vm.Name) $($vm.Context) $($vm.Cpu -ge $local.Cpu)" | Should -Be 'local01 cloud True'
        (Get-IaaSVm local01 -Context test).State | Should -Be 'Deallocated'
        (Checkpoint-IaaSVm local01 first).Name | Should -Be 'first'
        Start-IaaSVm local01 | Out-Null
        $report = Invoke-IaaSFailover local01 -Kind Planned
        "$($report.Kind) $($report.Outcome) $($report.Context)" | Should -Be 'Planned Succeeded cloud'
        (Get-IaaSVmCheckpoint local01).Name | Should -Be 'first'
        Stop-IaaSVm local01 | Out-Null
        $file = Export-IaaSVm local01 -Format VhdFixed -Path (Join-Path $TestHome back.vhd)
        (Get-IaaSImage $file).Format | Should -Be 'vhd'
        Remove-IaaSVm local01 -Confirm:$false
        Get-IaaSOrphan | Should -BeNullOrEmpty
    }
}

Describe 'Beside other modules with other versions of the same libraries' {
    BeforeAll {
        # Add-Type gives what it compiles a name of its own, which clashes with nothing.
        function New-Library([string] $Name, [version] $Version, [string] $Type, [string] $Answer, [string] $Path) {
            $identity = [Reflection.AssemblyName]::new($Name)
            $identity.Version = $Version
            $library = [Reflection.Emit.PersistedAssemblyBuilder]::new($identity, [object].Assembly)
            $class = $library.DefineDynamicModule($Name).DefineType($Type, 'Public, Abstract, Sealed')
            $il = $class.DefineMethod('Answer', 'Public, Static', [string], [type]::EmptyTypes).GetILGenerator()
            $il.Emit([Reflection.Emit.OpCodes]::Ldstr, $Answer)
            $il.Emit([Reflection.Emit.OpCodes]::Ret)
            $class.CreateType() | Out-Null
            $library.Save($Path)
        }

        # Two modules made for the test: each brings an Azure.Core, or an identity client, of another version under the same name.
        foreach ($module in @{ Name = 'OldCore'; Library = 'Azure.Core'; Version = '1.19.0.0' }, @{ Name = 'OldIdentity'; Library = 'Microsoft.Identity.Client'; Version = '4.20.0.0' }) {
            $folder = (New-Item -ItemType Directory (Join-Path $TestHome "modules/$($module.Name)")).FullName
            New-Library -Name $module.Library -Version $module.Version -Type "$($module.Library).Of$($module.Name)" -Answer "$($module.Name) $($module.Version)" -Path (Join-Path $folder "$($module.Library).dll")
            "Add-Type -Path `"`$PSScriptRoot/$($module.Library).dll`"; function Get-$($module.Name) { [$($module.Library).Of$($module.Name)]::Answer() }" | Set-Content (Join-Path $folder "$($module.Name).psm1")
        }
    }

    It 'connects, <When> they are loaded' -ForEach @(@{ When = 'after'; Order = 'OldCore', 'OldIdentity', 'AzureIaaS' }, @{ When = 'before'; Order = 'AzureIaaS', 'OldCore', 'OldIdentity' }) {
        $paths = @{ AzureIaaS = $ModulePath; OldCore = "$TestHome/modules/OldCore/OldCore.psm1"; OldIdentity = "$TestHome/modules/OldIdentity/OldIdentity.psm1" }
        $script = ($Order | ForEach-Object { "Import-Module '$($paths[$_])'" }) + @(
            "(Connect-IaaS -Azure -Subscription $id -ResourceGroup farm -Location westeurope -Environment http://127.0.0.1:$port -Name beside).Azure.Location"
            '@(Get-IaaSVm -Context beside).Count', 'Get-OldCore', 'Get-OldIdentity'
            "([AppDomain]::CurrentDomain.GetAssemblies() | Where-Object { `$_.GetName().Name -eq 'Azure.Core' } | ForEach-Object { `$_.GetName().Version.Minor } | Sort-Object) -join ' '")
        $said = & $PowerShellPath -NoLogo -NoProfile -NonInteractive -Command ($script -join '; ') 2>&1
        $said[0..3] | Should -Be 'westeurope', '0', 'OldCore 1.19.0.0', 'OldIdentity 4.20.0.0'
        $said[4] | Should -Be '19 53'
    }
}
